// What is proposed, shown in its place: half-denoised text while a sample runs, then the proposal.
import {
    MarkdownString,
    Range,
    ThemeColor,
    window,
    type DecorationOptions,
    type Disposable,
    type TextDocument,
    type TextEditor,
    type TextEditorDecorationType,
} from "vscode";
import type { PlacedHole, Proposals } from "./proposals";
import { decorations, marker, steps } from "./settings";

/** Characters of one hole that are shown in its line; the rest is in the hover. */
const SHOWN = 100;
/** Takes the marker away while something stands in its place. With `display: none` it would have
    no place at all, and a code lens over it would not be drawn. */
const GONE = "none; font-size: 0";

interface Looks {
    /** Over a marker, which is hidden. */
    instead: TextEditorDecorationType;
    /** Over code that would be replaced. */
    replaced: TextEditorDecorationType;
}

function attachment(colour: string, background: string, style: "italic" | "normal") {
    return {
        color: new ThemeColor(colour),
        backgroundColor: new ThemeColor(background),
        fontStyle: style,
    };
}

function looks(after: ReturnType<typeof attachment>, replaced: string): Looks {
    return {
        instead: window.createTextEditorDecorationType({ textDecoration: GONE, after }),
        replaced: window.createTextEditorDecorationType({ textDecoration: replaced, after }),
    };
}

/** A text as one line. */
function inline(text: string): string {
    const line = text.replace(/\r\n|\r|\n/g, "⏎").replace(/\t/g, "→");
    const shown = [...line];
    // an ordinary space at either end would not be drawn
    const cut = shown.length > SHOWN ? `${shown.slice(0, SHOWN).join("")}…` : line;
    return cut.replaceAll(" ", "\u00a0");
}

/** A replacement as one of whole words, which is easier to read than one of their letters. */
function widened(document: TextDocument, hole: PlacedHole): PlacedHole {
    const { start, end } = hole.range;
    const letters = (text: string): boolean => /^\w*$/.test(text);
    if (!letters(hole.old) || !letters(hole.text) || start.line !== end.line) {
        return hole;
    }
    const line = document.lineAt(start.line).text;
    const left = /\w*$/.exec(line.slice(0, start.character))?.[0] ?? "";
    const right = /^\w*/.exec(line.slice(end.character))?.[0] ?? "";
    const range = new Range(start.translate(0, -left.length), end.translate(0, right.length));
    return { ...hole, range, old: left + hole.old + right, text: left + hole.text + right };
}

/** A text of which not all is shown in its line. The server's own hover tells the rest. */
function hover({ text }: PlacedHole, language: string): MarkdownString | undefined {
    const cut = /[\r\n]/.test(text) || text.length > SHOWN;
    return cut ? new MarkdownString().appendCodeblock(text, language) : undefined;
}

/** The lines of a range but its last, each from its first character that is not blank. */
function earlierLines(document: TextDocument, { start, end }: Range): Range[] {
    return Array.from({ length: end.line - start.line }, (_, index) => {
        const line = document.lineAt(start.line + index);
        const from = Math.max(
            line.firstNonWhitespaceCharacterIndex,
            index === 0 ? start.character : 0,
        );
        return line.range.with(line.range.start.with({ character: from }));
    });
}

/** The last line of a range, from its first character that is not blank. */
function lastLine(document: TextDocument, range: Range): Range {
    if (range.isSingleLine) {
        return range;
    }
    const first = document.lineAt(range.end.line).firstNonWhitespaceCharacterIndex;
    const from = Math.min(first, range.end.character);
    return range.with(range.end.with({ character: from }));
}

export class Live implements Disposable {
    private readonly denoising = looks(
        attachment("infill.denoisingForeground", "infill.denoisingBackground", "italic"),
        "none; opacity: 0.5",
    );
    private readonly proposed = looks(
        attachment("infill.proposedForeground", "infill.proposedBackground", "normal"),
        "line-through",
    );
    private readonly listeners: Disposable[];

    constructor(private readonly proposals: Proposals) {
        this.listeners = [
            proposals.onDidChange(() => this.refresh()),
            window.onDidChangeVisibleTextEditors(() => this.refresh()),
            ...[this.denoising, this.proposed].flatMap((look) => [look.instead, look.replaced]),
        ];
    }

    refresh(): void {
        window.visibleTextEditors.forEach((editor) => this.draw(editor));
    }

    dispose(): void {
        this.listeners.forEach((listener) => listener.dispose());
    }

    private draw(editor: TextEditor): void {
        const placed = this.proposals.over(editor.document);
        const [working, ready] = ["working", "ready"].map((state) =>
            placed
                .filter(({ proposal }) => proposal.state === state)
                // where a revision will be is not known before it is ready
                .filter(({ proposal }) => state === "ready" || proposal.kind !== "revise")
                .flatMap((one) => one.holes),
        );
        this.put(editor, this.denoising, (steps() && working) || []);
        this.put(editor, this.proposed, (decorations() && ready) || []);
    }

    private put(editor: TextEditor, look: Looks, holes: PlacedHole[]): void {
        const language = editor.document.languageId;
        const options = (hole: PlacedHole): DecorationOptions => {
            const message = hover(hole, language);
            return {
                range: hole.range,
                ...(hole.text && { renderOptions: { after: { contentText: inline(hole.text) } } }),
                ...(message && { hoverMessage: message }),
            };
        };
        const marked = marker();
        const instead = holes.filter((hole) => hole.old === marked && hole.text !== "");
        const replaced = holes
            .filter((hole) => hole.old !== marked && !(hole.old === "" && hole.text === ""))
            .map((hole) => widened(editor.document, hole));
        editor.setDecorations(look.instead, instead.map(options));
        editor.setDecorations(look.replaced, [
            ...replaced.flatMap((hole) =>
                earlierLines(editor.document, hole.range).map((range) => ({ range })),
            ),
            ...replaced
                .map((hole) => ({ ...hole, range: lastLine(editor.document, hole.range) }))
                .map(options),
        ]);
    }
}
