// The settings: which go to the server, and which a workspace may not choose.
import { homedir } from "node:os";
import { workspace, type WorkspaceConfiguration } from "vscode";
import type { Executable } from "vscode-languageclient/node";

const SECTION = "infill";

const SHARED = [
    "grammar",
    "marker",
    "seed",
    "maxTokens",
    "alternatives",
    "timeLimit",
    "accept",
    "lenses",
    "diagnostics",
];
const INLINE = ["enabled", "automatic", "debounce", "alternatives", "maxTokens", "timeLimit"];

function section(): WorkspaceConfiguration {
    return workspace.getConfiguration(SECTION);
}

/** A setting as the user's own settings have it, whatever the workspace says. */
function ofUser<T>(key: string): T | undefined {
    const found = section().inspect<T>(key);
    return found?.globalValue ?? found?.defaultValue;
}

/** How the server is started. */
export function executable(): Executable {
    const [command, ...args] = ofUser<string[]>("command") ?? [];
    // not the workspace: Python would import what lies there
    return { command: command ?? "infill", args, options: { cwd: homedir() } };
}

export function languages(): string[] {
    return section().get<string[]>("languages", []);
}

export function decorations(): boolean {
    return section().get("decorations", true);
}

/** Whether denoising is shown as decorations. */
export function steps(): boolean {
    return decorations() && section().get("live", true);
}

export function marker(): string {
    return section().get("marker", "<FILL_ME>");
}

/** The settings that the server knows and may hear at any time. */
export function shared(): Record<string, unknown> {
    const from = section();
    const all = SHARED.map((key) => [key, from.get(key)]);
    const inline = INLINE.map((key) => [key, from.get(`inline.${key}`)]);
    return {
        ...Object.fromEntries(all),
        inline: Object.fromEntries(inline),
        // as inlay hints, denoising would be shown twice
        live: from.get("live", true) && !decorations(),
    };
}

/** What the server is told once, when it starts. */
export function initial(): Record<string, unknown> {
    return {
        ...shared(),
        model: ofUser("model"),
        threads: ofUser("threads"),
        notifications: true,
    };
}

/** All that a client is made of: where it has changed, another client is needed. */
export function made(): string {
    const server = [executable(), ofUser("model"), ofUser("threads")];
    return JSON.stringify([...server, languages(), decorations()]);
}
