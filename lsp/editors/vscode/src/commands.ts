// The commands of the palette, the context menu and the keys: each is one request to the server.
import { commands, window, type Disposable, type Position, type TextEditor } from "vscode";
import { LSPErrorCodes, type LanguageClient } from "vscode-languageclient/node";
import { ExecuteCommandRequest, ResponseError } from "vscode-languageclient/node";
import { proposedText, type Placed, type PlacedHole, type Proposals } from "./proposals";
import type { Applied, Sampled, Traced } from "./protocol";
import type { Views } from "./views";

interface Needs {
    client: () => LanguageClient;
    proposals: Proposals;
    views: Views;
}

const QUIET: readonly number[] = [
    LSPErrorCodes.RequestCancelled,
    LSPErrorCodes.ServerCancelled,
    LSPErrorCodes.ContentModified,
];

/** What the server answers; undefined where it was cancelled, or failed, which is shown. */
async function ask<T>(needs: Needs, command: string, argument: object): Promise<T | undefined> {
    const client = needs.client();
    try {
        if (!client.isRunning()) {
            await client.start();
        }
        const params = { command: `infill.${command}`, arguments: [argument] };
        return (await client.sendRequest(ExecuteCommandRequest.type, params)) as T;
    } catch (error) {
        if (!(error instanceof ResponseError && QUIET.includes(error.code))) {
            void window.showErrorMessage(`infill: ${(error as Error).message}`);
        }
        return undefined;
    }
}

function uriOf(needs: Needs, editor: TextEditor): string {
    return needs.client().code2ProtocolConverter.asUri(editor.document.uri);
}

/** Asks for a sample; a proposal shows itself, its absence is said here. */
async function sample(
    needs: Needs,
    command: string,
    editor: TextEditor,
    more: object,
): Promise<void> {
    const argument = { uri: uriOf(needs, editor), ...more };
    const answer = await ask<Sampled>(needs, command, argument);
    if (answer && "proposal" in answer) {
        void window.showInformationMessage(`infill: ${answer.message}`);
    } else if (answer?.state === "failed") {
        void window.showWarningMessage(`infill: ${answer.message}`);
    }
}

/** The marked hole or the selection, or else the cursor. */
function place(needs: Needs, editor: TextEditor): object {
    const convert = needs.client().code2ProtocolConverter;
    const { selection } = editor;
    return selection.isEmpty
        ? { position: convert.asPosition(selection.active) }
        : { range: convert.asRange(selection) };
}

async function rewrite(needs: Needs, editor: TextEditor, keepNames: boolean): Promise<void> {
    if (editor.selection.isEmpty) {
        void window.showInformationMessage("infill: select what to rewrite.");
        return;
    }
    const range = needs.client().code2ProtocolConverter.asRange(editor.selection);
    await sample(needs, "rewrite", editor, { range, keepNames });
}

async function revise(needs: Needs, editor: TextEditor, scope: string): Promise<void> {
    const position = needs.client().code2ProtocolConverter.asPosition(editor.selection.active);
    await sample(needs, "revise", editor, { position, scope, trigger: "edit" });
}

/** Lines and columns between the cursor and a hole. */
function distance({ range }: PlacedHole, cursor: Position): [number, number] {
    if (range.contains(cursor)) {
        return [0, 0];
    }
    const lines = [range.start, range.end].map((end) => Math.abs(end.line - cursor.line));
    return [Math.min(...lines), Math.abs(range.start.character - cursor.character)];
}

/** The proposal and its hole that are nearest to the cursor. */
function nearest(needs: Needs, editor: TextEditor): { placed: Placed; hole: PlacedHole } | undefined {
    const cursor = editor.selection.active;
    return needs.proposals
        .over(editor.document)
        .flatMap((placed) => placed.holes.map((hole) => ({ placed, hole })))
        .map((one) => ({ ...one, far: distance(one.hole, cursor) }))
        .sort((a, b) => a.far[0] - b.far[0] || a.far[1] - b.far[1])[0];
}

/** The proposal at the cursor, or the document for the server to look itself. */
function which(needs: Needs, editor: TextEditor): object {
    const found = nearest(needs, editor);
    return found ? { proposal: found.placed.proposal.id } : { uri: uriOf(needs, editor) };
}

async function accept(needs: Needs, editor: TextEditor): Promise<void> {
    applied(await ask<Applied>(needs, "accept", which(needs, editor)));
}

function applied(answer: Applied | undefined): void {
    if (answer?.applied === false) {
        void window.showWarningMessage(`infill: ${answer.message}`);
    }
}

async function acceptHole(needs: Needs, editor: TextEditor): Promise<void> {
    const found = nearest(needs, editor);
    if (found) {
        const argument = { proposal: found.placed.proposal.id, hole: found.hole.index };
        applied(await ask<Applied>(needs, "acceptHole", argument));
    }
}

async function showTrace(needs: Needs, editor: TextEditor): Promise<void> {
    const id = needs.proposals.last(editor.document);
    if (id === undefined) {
        void window.showInformationMessage("infill: nothing was proposed for this file yet.");
        return;
    }
    const answer = await ask<Traced>(needs, "trace", { proposal: id });
    if (answer) {
        await needs.views.open(`${id}.jsonl`, answer.trace);
    }
}

async function showChanges(needs: Needs, editor: TextEditor): Promise<void> {
    const { document } = editor;
    const placed = nearest(needs, editor)?.placed;
    if (placed?.proposal.state === "ready") {
        const title = `${document.uri.path.split("/").pop() ?? ""}: proposed`;
        await needs.views.compare(document, proposedText(document, placed.holes), title);
    }
}

type Action = (needs: Needs, editor: TextEditor) => unknown;

const ACTIONS: Record<string, Action> = {
    fill: (needs, editor) => sample(needs, "fill", editor, place(needs, editor)),
    fillAll: (needs, editor) => sample(needs, "fillAll", editor, {}),
    rewrite: (needs, editor) => rewrite(needs, editor, false),
    rewriteKeepingNames: (needs, editor) => rewrite(needs, editor, true),
    reviseFunction: (needs, editor) => revise(needs, editor, "function"),
    reviseClass: (needs, editor) => revise(needs, editor, "class"),
    reviseFile: (needs, editor) => revise(needs, editor, "file"),
    accept,
    acceptHole,
    reject: (needs, editor) => ask(needs, "reject", which(needs, editor)),
    next: (needs, editor) => ask(needs, "next", which(needs, editor)),
    previous: (needs, editor) => ask(needs, "previous", which(needs, editor)),
    showChanges,
    showTrace,
};

export function register(needs: Needs): Disposable[] {
    const actions = Object.entries(ACTIONS).map(([name, action]) =>
        commands.registerCommand(`infill.ui.${name}`, () => {
            const editor = window.activeTextEditor;
            return editor && action(needs, editor);
        }),
    );
    const cancel = commands.registerCommand("infill.ui.cancel", () => ask(needs, "cancel", {}));
    return [...actions, cancel];
}
