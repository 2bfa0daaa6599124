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
function ofUser(key: string): unknown {
    return section().inspect(key)?.globalValue;
}

/** A setting as somebody set it. A default is not sent: the server's files of settings are above it. */
function said(key: string): unknown {
    const found = section().inspect(key);
    return found?.workspaceFolderValue ?? found?.workspaceValue ?? found?.globalValue;
}

/** How the server is started. */
export function executable(): Executable {
    const found = section().inspect<string[]>("command");
    const [command, ...args] = found?.globalValue ?? found?.defaultValue ?? [];
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

/** The settings that the server knows and may hear at any time; what is undefined is not sent. */
export function shared(): Record<string, unknown> {
    const all = SHARED.map((key) => [key, said(key)]);
    const inline = INLINE.map((key) => [key, said(`inline.${key}`)]);
    return {
        ...Object.fromEntries(all),
        inline: Object.fromEntries(inline),
        // as inlay hints, denoising would be shown twice
        live: decorations() ? false : said("live"),
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
