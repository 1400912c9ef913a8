// @ts-check
import { setIconBadge } from "../inbox/app-badge.js";
import { PushMemory } from "./push-memory.js";
import { closeOthers } from "./shown-pushes.js";
import { WorkerState } from "./worker-state.js";

/*
 * On a page of nobody, once after somebody: pushes that still come show no words. Whoever signed out, rather than was
 * away for too long, is told nothing here any more.
 */
const note = new WorkerState();
const { person } = await note.read();
if (person) {
  await note.change({ person: "" });
  await closeOthers("");
  await setIconBadge(0);
  if (new PushMemory(localStorage).of(person)?.id === "") await unsubscribe();
}

async function unsubscribe() {
  const registration = await navigator.serviceWorker.getRegistration();
  const subscription = await registration?.pushManager.getSubscription();
  await subscription?.unsubscribe();
}
