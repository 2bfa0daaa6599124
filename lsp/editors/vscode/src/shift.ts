// Where a range is after an edit. The server says it too, but a message may be about a text that
// the user has changed meanwhile.
import { Position, Range, type TextDocumentContentChangeEvent } from "vscode";

/** The position after the edit of a position that is not before the edit's end. */
function moved(position: Position, change: TextDocumentContentChangeEvent): Position {
    const lines = change.text.split(/\r\n|\r|\n/);
    const last = lines[lines.length - 1]?.length ?? 0;
    const { start, end } = change.range;
    const line = position.line + lines.length - 1 - (end.line - start.line);
    if (position.line > end.line) {
        return new Position(line, position.character);
    }
    const from = lines.length > 1 ? 0 : start.character;
    return new Position(line, from + last + position.character - end.character);
}

/** The range after one edit, or undefined where the edit touches its inside. */
export function shifted(
    range: Range,
    change: TextDocumentContentChangeEvent,
): Range | undefined {
    const edit = change.range;
    if (edit.isEmpty && change.text === "") {
        return range;
    }
    if (range.isEmpty && edit.isEmpty && edit.start.isEqual(range.start)) {
        return undefined;
    }
    if (edit.end.isBeforeOrEqual(range.start)) {
        return new Range(moved(range.start, change), moved(range.end, change));
    }
    return edit.start.isAfterOrEqual(range.end) ? range : undefined;
}

/** The range after the edits of one change event; each is over the text before all of them. */
export function shiftedAll(
    range: Range,
    changes: readonly TextDocumentContentChangeEvent[],
): Range | undefined {
    // from the last to the first, an edit does not move those that are still to come
    const ordered = [...changes].sort((a, b) => b.range.start.compareTo(a.range.start));
    return ordered.reduce<Range | undefined>(
        (now, change) => now && shifted(now, change),
        range,
    );
}
