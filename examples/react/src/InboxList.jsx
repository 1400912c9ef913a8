import { relativeTime } from "@notifications-hub/client";
import { useEffect, useRef } from "react";
import { inbox, useInbox } from "./inbox.js";

export function InboxList({ mark }) {
  const { items, status, more } = useInbox();
  if (status === "failed") return <p role="alert">We couldn't load your notifications. Trying again…</p>;
  if (status === "loading") return <p>Loading…</p>;
  if (items.length === 0) return <p>All quiet. New notifications will appear here.</p>;
  return (
    <>
      <ul id="inbox">
        {items.map((item) => (
          <Item key={item.id} item={item} mark={mark} />
        ))}
      </ul>
      <More more={more} />
    </>
  );
}

function Item({ item, mark }) {
  return (
    <li className={item.unread ? "unread" : ""}>
      <a href={item.url || undefined} onClick={() => mark([item.id], "read")}>
        {item.title}
      </a>
      {item.body && <p>{item.body}</p>}
      <time dateTime={item.at}>{relativeTime(Date.parse(item.at), Date.now(), "en")}</time>
      {item.unread && (
        <button type="button" aria-label={`Mark as read: ${item.title}`} onClick={() => mark([item.id], "read")}>
          ✓
        </button>
      )}
      <button type="button" aria-label={`Archive: ${item.title}`} onClick={() => mark([item.id], "archive")}>
        ×
      </button>
    </li>
  );
}

/** Loads the next page when it comes into sight. The button is for those who don't scroll. */
function More({ more }) {
  const button = useRef(null);
  useEffect(() => {
    if (more !== "more") return;
    const watch = new IntersectionObserver(([entry]) => entry.isIntersecting && load());
    watch.observe(button.current);
    return () => watch.disconnect();
  }, [more]);
  if (more === "none") return null;
  return (
    <button type="button" ref={button} disabled={more === "loading"} onClick={load}>
      {more === "failed" ? "Couldn't load older ones. Try again" : "Show older"}
    </button>
  );
}

/** A failure is in `more`. */
const load = () => inbox.loadMore().catch(() => undefined);
