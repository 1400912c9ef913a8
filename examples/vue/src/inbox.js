import { HubClient, InboxStore } from "@notifications-hub/client";
import { onScopeDispose, shallowRef } from "vue";

// One for the whole page. It connects when the first component uses it.
export const inbox = new InboxStore(new HubClient({ api: "/api/v1/" }));

export function useInbox() {
  const snapshot = shallowRef(inbox.getSnapshot());
  onScopeDispose(inbox.subscribe(() => (snapshot.value = inbox.getSnapshot())));
  return snapshot;
}

/** Return the toasts to show, and a function that removes some. */
export function useToasts() {
  const toasts = shallowRef([]);
  const remove = (ids) => (toasts.value = toasts.value.filter(({ id }) => !ids.includes(id)));
  onScopeDispose(inbox.onNews((items) => (toasts.value = [...toasts.value, ...items].slice(-3)), remove));
  return { toasts, remove };
}
