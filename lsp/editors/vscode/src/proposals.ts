// The proposals that the server has made, with each hole where it is now.
import {
    EventEmitter,
    workspace,
    type Disposable,
    type Range,
    type TextDocument,
    type TextDocumentChangeEvent,
    type TextDocumentContentChangeEvent,
} from "vscode";
import type { LanguageClient } from "vscode-languageclient/node";
import type { Hole, Proposal, Step } from "./protocol";
import { shiftedAll } from "./shift";

/** Edits that are remembered of a document, to place what is said about an earlier version. */
const REMEMBERED = 64;
/** Milliseconds without an edit after which everything is drawn again. */
const REST = 250;

export interface PlacedHole {
    index: number;
    range: Range;
    old: string;
    /** Proposed where the proposal is ready, half-denoised where it is at work. */
    text: string;
}

export interface Placed {
    uri: string;
    proposal: Proposal;
    holes: PlacedHole[];
}

interface Edit {
    version: number;
    changes: readonly TextDocumentContentChangeEvent[];
}

export class Proposals implements Disposable {
    private readonly byId = new Map<string, Placed>();
    private readonly lasts = new Map<string, string>();
    private readonly edits = new Map<string, Edit[]>();
    private readonly changed = new EventEmitter<void>();
    private readonly listeners: Disposable[];
    private rest: NodeJS.Timeout | undefined;
    readonly onDidChange = this.changed.event;

    constructor(private readonly client: () => LanguageClient) {
        this.listeners = [
            this.changed,
            workspace.onDidChangeTextDocument((event) => this.edited(event)),
            workspace.onDidCloseTextDocument((document) => this.closed(document)),
        ];
    }

    /** A document's proposals that are ready or at work, the newest last. */
    over(document: TextDocument): Placed[] {
        const uri = document.uri.toString();
        return [...this.byId.values()].filter((placed) => placed.uri === uri);
    }

    /** The id of the last proposal for a document, whatever became of it. */
    last(document: TextDocument): string | undefined {
        return this.lasts.get(document.uri.toString());
    }

    told(proposal: Proposal): void {
        const document = this.document(proposal.uri);
        const { id } = proposal;
        const open = proposal.state === "ready" || proposal.state === "working";
        const before = this.byId.get(id);
        if (document && open) {
            const holes = proposal.holes
                .filter((hole) => !hole.filled)
                .flatMap((hole) => this.placed(document, proposal.version, hole));
            if (proposal.state === "working") {
                holes.forEach((hole) => {
                    hole.text ||= before?.holes.find((one) => one.index === hole.index)?.text ?? "";
                });
            }
            const uri = document.uri.toString();
            this.byId.set(id, { uri, proposal, holes });
            this.lasts.set(uri, id);
        } else {
            this.byId.delete(id);
        }
        // the answer to each key of a user who types elsewhere can wait
        if (this.rest === undefined || before?.proposal.state !== proposal.state) {
            this.changed.fire();
        }
    }

    /** A moment of denoising. */
    stepped(step: Step): void {
        const document = this.document(step.uri);
        const found = this.byId.get(step.proposal);
        if (!document || found?.proposal.state !== "working") {
            return;
        }
        const stepped = step.holes.flatMap((hole) => {
            const known = found.proposal.holes.find((one) => one.index === hole.index);
            return this.placed(document, step.version, { ...hole, old: known?.old ?? "" });
        });
        const named = new Set(step.holes.map((hole) => hole.index));
        found.holes = [...found.holes.filter((one) => !named.has(one.index)), ...stepped];
        if (this.rest === undefined) {
            this.changed.fire();
        }
    }

    /** All is forgotten: the server is gone. */
    clear(): void {
        this.byId.clear();
        this.lasts.clear();
        this.changed.fire();
    }

    dispose(): void {
        clearTimeout(this.rest);
        this.listeners.forEach((listener) => listener.dispose());
    }

    private document(uri: string): TextDocument | undefined {
        const wanted = this.client().protocol2CodeConverter.asUri(uri).toString();
        return workspace.textDocuments.find((one) => one.uri.toString() === wanted);
    }

    /** A hole where it is now; none where an edit since then touched it. */
    private placed(
        document: TextDocument,
        version: number,
        hole: Pick<Hole, "index" | "range" | "text" | "old">,
    ): PlacedHole[] {
        const edits = this.edits.get(document.uri.toString()) ?? [];
        const range = edits
            .filter((edit) => edit.version > version)
            .reduce<Range | undefined>(
                (now, edit) => now && shiftedAll(now, edit.changes),
                this.client().protocol2CodeConverter.asRange(hole.range),
            );
        if (!range) {
            return [];
        }
        const { index, text, old } = hole;
        return [{ index, range, old, text }];
    }

    private edited({ document, contentChanges }: TextDocumentChangeEvent): void {
        if (contentChanges.length === 0) {
            return;
        }
        const uri = document.uri.toString();
        const edits = this.edits.get(uri) ?? [];
        edits.push({ version: document.version, changes: contentChanges });
        this.edits.set(uri, edits.slice(-REMEMBERED));
        const open = this.over(document);
        const count = (): number => open.reduce((sum, placed) => sum + placed.holes.length, 0);
        const before = count();
        open.forEach((placed) => {
            placed.holes = placed.holes.flatMap((hole) => {
                const range = shiftedAll(hole.range, contentChanges);
                return range ? [{ ...hole, range }] : [];
            });
        });
        if (count() < before) {
            this.changed.fire();
        } else if (before > 0) {
            // what is drawn moves with the text by itself; drawn while the user types, it would be
            // for a text that is an edit older than the one on the screen
            clearTimeout(this.rest);
            this.rest = setTimeout(() => {
                this.rest = undefined;
                this.changed.fire();
            }, REST);
        }
    }

    private closed(document: TextDocument): void {
        this.over(document).forEach((placed) => this.byId.delete(placed.proposal.id));
        this.edits.delete(document.uri.toString());
        this.lasts.delete(document.uri.toString());
        this.changed.fire();
    }
}

/** The document's text with what is proposed in its place. */
export function proposedText(document: TextDocument, holes: readonly PlacedHole[]): string {
    const text = document.getText();
    const ordered = [...holes].sort((a, b) => a.range.start.compareTo(b.range.start));
    let end = 0;
    const pieces = ordered.map((hole) => {
        const piece = text.slice(end, document.offsetAt(hole.range.start)) + hole.text;
        end = document.offsetAt(hole.range.end);
        return piece;
    });
    return pieces.join("") + text.slice(end);
}

