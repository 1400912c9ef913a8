import { SignedOutError } from "@notifications-hub/client";
import { useState } from "react";
import { Bell } from "./Bell.jsx";
import { InboxList } from "./InboxList.jsx";
import { inbox, useInbox } from "./inbox.js";
import { Toasts } from "./Toasts.jsx";

export function App() {
  const { unread, status, connection } = useInbox();
  const [problem, setProblem] = useState("");

  const mark = async (which, how) => {
    setProblem("");
    try {
      await inbox.mark(which, how);
    } catch (error) {
      setProblem(error instanceof SignedOutError ? "You're signed out." : "That didn't work. Please try again.");
    }
  };

  if (status === "ended") return <a href="/accounts/login/?next=/">Sign in to see your notifications</a>;
  return (
    <>
      <header>
        <h1>Inbox</h1>
        <span role="status">{connection === "live" ? "Live" : "Connecting…"}</span>
        <Bell unread={unread} />
        <button type="button" disabled={unread === 0} onClick={() => mark("all", "read")}>
          Mark all as read
        </button>
      </header>
      {problem && <p role="alert">{problem}</p>}
      <InboxList mark={mark} />
      <Toasts mark={mark} />
    </>
  );
}
