import { HubClient, InboxStore } from "@notifications-hub/client";
import { useCallback, useEffect, useState, useSyncExternalStore } from "react";

// One for the whole page. It connects when the first component uses it.
export const inbox = new InboxStore(new HubClient({ api: "/api/v1/" }));

export function useInbox() {
  return useSyncExternalStore(inbox.subscribe, inbox.getSnapshot, inbox.getServerSnapshot);
}

/** Return the toasts to show, and a function that removes some. */
export function useToasts() {
  const [toasts, setToasts] = useState([]);
  const show = useCallback((items) => setToasts((shown) => [...shown, ...items].slice(-3)), []);
  const remove = useCallback((ids) => setToasts((shown) => shown.filter(({ id }) => !ids.includes(id))), []);
  useEffect(() => inbox.onNews(show, remove), [show, remove]);
  return [toasts, remove];
}
