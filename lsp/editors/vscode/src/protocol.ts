// The server's own messages, schema 1; docs/lsp.md says what each field means.
import type { Range } from "vscode-languageclient/node";

export interface Hole {
    index: number;
    range: Range;
    old: string;
    text: string;
    score: number | null;
    alternatives: string[];
    /** It was accepted alone and stands in the document. */
    filled?: boolean;
}

export type ProposalState =
    "working" | "ready" | "accepted" | "rejected" | "invalid" | "cancelled" | "failed";

export interface Proposal {
    schema: 1;
    id: string;
    uri: string;
    version: number;
    kind: "fill" | "rewrite" | "revise";
    state: ProposalState;
    message: string;
    checked: "file" | "block" | "none";
    choice: number;
    of: number;
    holes: Hole[];
}

export interface Step {
    schema: 1;
    proposal: string;
    uri: string;
    version: number;
    holes: { index: number; range: Range; text: string }[];
}

export interface Status {
    schema: 1;
    state: "starting" | "loading" | "idle" | "working" | "failed";
    message: string;
    model: string;
    device: string;
    queue: number;
}

/** What a command that samples answers: a proposal, or why there is none. */
export type Sampled = Proposal | { proposal: null; message: string };

export interface Applied {
    applied: boolean;
    message: string;
}

export interface Traced {
    schema: 1;
    trace: string;
}
