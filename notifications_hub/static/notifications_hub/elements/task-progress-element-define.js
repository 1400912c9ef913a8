// @ts-check
import { TaskProgressElement } from "./task-progress-element.js";

if (!customElements.get("task-progress")) customElements.define("task-progress", TaskProgressElement);
