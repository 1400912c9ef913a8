// @ts-check
import { setIconBadge } from "../inbox/app-badge.js";
import { PushMemory } from "./push-memory.js";
import { closeOthers } from "./shown-pushes.js";
import { WorkerState } from "./worker-state.js";

/**
 * Run on pages without a signed-in person. The first time after a person's session ended, make later pushes hide their
 * text. If the person signed out (the session did not just expire), also end the browser's subscription.
 */
async function forgetPerson() {
  const workerState = new WorkerState();
  const { person } = await workerState.read();
  if (!person) return;
  await workerState.change({ person: "" });
  await closeOthers("");
  await setIconBadge(0);
  if (new PushMemory(localStorage).of(person)?.id === "") await unsubscribe();
}

async function unsubscribe() {
  const registration = await navigator.serviceWorker.getRegistration();
  const subscription = await registration?.pushManager.getSubscription();
  await subscription?.unsubscribe();
}

forgetPerson();
