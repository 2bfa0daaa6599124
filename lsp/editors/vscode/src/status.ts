// The item in the status bar: what the server does, and the way to stop or restart it.
import { MarkdownString, StatusBarAlignment, ThemeColor, window, type StatusBarItem } from "vscode";
import type { Status } from "./protocol";

const ICONS: Record<Status["state"], string> = {
    starting: "$(loading~spin)",
    loading: "$(loading~spin)",
    idle: "$(sparkle)",
    working: "$(loading~spin)",
    failed: "$(error)",
};

/** What a click does. */
function command(state: Status["state"]): StatusBarItem["command"] {
    switch (state) {
        case "working":
            return "infill.ui.cancel";
        case "failed":
            return "infill.ui.restart";
        default:
            return {
                title: "Commands",
                command: "workbench.action.quickOpen",
                arguments: [">infill: "],
            };
    }
}

const CLICK: Partial<Record<Status["state"], string>> = {
    working: "Click to cancel.",
    failed: "Click to restart the server.",
};

export class StatusItem {
    private readonly item = window.createStatusBarItem("infill.status", StatusBarAlignment.Right, 90);

    constructor() {
        this.item.name = "infill";
    }

    show(status: Status): void {
        const { state, queue } = status;
        this.item.text = `${ICONS[state]} infill${queue > 1 ? ` ${queue}` : ""}`;
        const lines = [
            `infill: ${state}`,
            status.message,
            [status.model, status.device].filter(Boolean).join(" on "),
            queue > 1 ? `${queue} waiting` : "",
            CLICK[state] ?? "",
        ];
        const tooltip = new MarkdownString();
        lines.filter(Boolean).forEach((line) => tooltip.appendText(`${line}\n`));
        this.item.tooltip = tooltip;
        this.item.command = command(state);
        this.item.backgroundColor =
            state === "failed" ? new ThemeColor("statusBarItem.errorBackground") : undefined;
        this.item.show();
    }

    /** Shows a state that the server itself cannot tell. */
    say(state: Status["state"], message: string): void {
        this.show({ schema: 1, state, message, model: "", device: "", queue: 0 });
    }

    dispose(): void {
        this.item.dispose();
    }
}
