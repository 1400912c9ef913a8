export function Bell({ unread }) {
  const count = unread > 99 ? "99+" : unread;
  return (
    <a className="bell" href="#inbox" aria-label={`Notifications, ${count} unread`}>
      <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="2" aria-hidden="true">
        <path d="M6 10a6 6 0 0 1 12 0c0 4.5 1.2 5.9 2 7H4c.8-1.1 2-2.5 2-7Zm3.8 10.2a2.5 2.5 0 0 0 4.4 0" />
      </svg>
      {unread > 0 && <b aria-hidden="true">{count}</b>}
    </a>
  );
}
