// Documents that are only looked at: a trace, and a file as a proposal would make it.
import { EventEmitter, Uri, commands, window, workspace, type Disposable } from "vscode";
import type { TextDocument } from "vscode";

const SCHEME = "infill-view";

export class Views implements Disposable {
    private readonly texts = new Map<string, string>();
    private readonly changed = new EventEmitter<Uri>();
    private readonly listeners = [
        this.changed,
        workspace.registerTextDocumentContentProvider(SCHEME, {
            onDidChange: this.changed.event,
            provideTextDocumentContent: (uri) => this.texts.get(uri.toString()) ?? "",
        }),
        workspace.onDidCloseTextDocument((document) => {
            this.texts.delete(document.uri.toString());
        }),
    ];

    async open(name: string, text: string): Promise<void> {
        await window.showTextDocument(this.put(name, text), { preview: true });
    }

    async compare(document: TextDocument, text: string, title: string): Promise<void> {
        const name = document.uri.path.split("/").pop() ?? "";
        await commands.executeCommand("vscode.diff", document.uri, this.put(name, text), title);
    }

    dispose(): void {
        this.listeners.forEach((listener) => listener.dispose());
    }

    private put(name: string, text: string): Uri {
        const uri = Uri.from({ scheme: SCHEME, path: `/${name}` });
        this.texts.set(uri.toString(), text);
        this.changed.fire(uri);
        return uri;
    }
}
