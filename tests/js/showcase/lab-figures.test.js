// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { LabFigures } from "../../../showcase/static/showcase/connections/lab-figures.js";

/** @param {number[]} delays of events sent at once, one after the other */
function measured(delays) {
  const figures = new LabFigures();
  for (const [index, delay] of delays.entries()) {
    figures.sent(index, 100);
    figures.arrived(index, 100 + delay);
  }
  return figures;
}

test("there are no figures before the first event", () => {
  const figures = new LabFigures();

  assert.deepEqual([figures.typical, figures.largest, figures.bytesPerEvent], [null, null, null]);
});

test("the typical delay is the median", () => {
  assert.equal(measured([9]).typical, 9);
  assert.equal(measured([9, 1, 5]).typical, 5);
  assert.equal(measured([9, 1, 5, 100]).typical, 7);
  assert.equal(measured([9, 1, 5, 100]).largest, 100);
});

test("missing and repeated events are counted, and foreign ones ignored", () => {
  const figures = measured([1, 2]);
  figures.sent(7, 100);
  figures.arrived(1, 200);
  figures.arrived(99, 200);

  assert.deepEqual([figures.received, figures.missing, figures.repeats], [2, 1, 1]);
  figures.unsent(7);
  assert.equal(figures.missing, 0);
});

test("an event under way has its delay so far", () => {
  const figures = new LabFigures();
  figures.sent(1, 100);

  assert.deepEqual(figures.delayOf(1, 350), { delay: 250, here: false, cut: false });
});

test("events sent while the network was cut do not count", () => {
  const figures = measured([10]);
  figures.sent(5, 0, { cut: true });
  figures.arrived(5, 5_000);

  assert.deepEqual([figures.received, figures.typical, figures.largest], [2, 10, 10]);
  assert.equal(figures.delayOf(5, 0).cut, true);
});
