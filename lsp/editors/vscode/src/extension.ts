// Starts `infill lsp` and shows what it says.
import {
    commands,
    window,
    workspace,
    type ExtensionContext,
    type LogOutputChannel,
    type TextDocument,
} from "vscode";
import { LanguageClient, State, type LanguageClientOptions } from "vscode-languageclient/node";
import { register } from "./commands";
import { Live } from "./live";
import { Proposals } from "./proposals";
import type { Proposal, Status, Step } from "./protocol";
import { executable, initial, languages, made, shared } from "./settings";
import { StatusItem } from "./status";
import { Views } from "./views";

let client: LanguageClient;

function options(outputChannel: LogOutputChannel): LanguageClientOptions {
    const schemes = ["file", "untitled"];
    return {
        documentSelector: languages().flatMap((language) =>
            schemes.map((scheme) => ({ scheme, language })),
        ),
        outputChannel,
        initializationOptions: initial,
        middleware: {
            workspace: {
                // the client's own settings, and those that a workspace may not choose, stay here
                configuration: (params, token, next) => {
                    const { items } = params;
                    if (items.every((item) => item.section === "infill")) {
                        return items.map(shared);
                    }
                    return next(params, token);
                },
                didChangeConfiguration: () =>
                    client.sendNotification("workspace/didChangeConfiguration", {
                        settings: { infill: shared() },
                    }),
            },
        },
    };
}

function listen(proposals: Proposals, status: StatusItem): void {
    client.onNotification("infill/step", (step: Step) => proposals.stepped(step));
    client.onNotification("infill/proposal", (proposal: Proposal) => proposals.told(proposal));
    client.onNotification("infill/status", (said: Status) => status.show(said));
    client.onDidChangeState(({ newState }) => {
        if (newState !== State.Running) {
            proposals.clear();
        }
        if (newState === State.Stopped || newState === State.StartFailed) {
            status.say("failed", "The server is not running.");
        } else if (newState === State.Starting) {
            status.say("starting", "");
        }
    });
}

/** A client that leaves it to us to say that the server did not start. */
class Client extends LanguageClient {
    override error(message: string, data?: unknown, show: boolean | "force" = true): void {
        super.error(message, data, this.state === State.Running && show);
    }
}

async function start(status: StatusItem): Promise<void> {
    try {
        await client.start();
    } catch (error) {
        client.outputChannel.error(String(error));
        const what = `${executable().command} did not start.`;
        status.say("failed", what);
        void explain(what);
    }
}

async function explain(what: string): Promise<void> {
    const [settings, log] = ["Open Settings", "Show Log"] as const;
    const message = `infill: ${what} Install infill, or set infill.command.`;
    const choice = await window.showErrorMessage(message, settings, log);
    if (choice === settings) {
        await commands.executeCommand("workbench.action.openSettings", "infill.command");
    } else if (choice === log) {
        client.outputChannel.show();
    }
}

/** The contexts that keys and menus ask for, of the editor that has the focus. */
function tellContexts(proposals: Proposals): void {
    const editor = window.activeTextEditor;
    const placed = editor ? proposals.over(editor.document) : [];
    const any = (state: string): boolean => placed.some((one) => one.proposal.state === state);
    void commands.executeCommand("setContext", "infill.proposalReady", any("ready"));
    void commands.executeCommand("setContext", "infill.working", any("working"));
}

/** No process before there is a file that it is for. */
function whenWanted(context: ExtensionContext, begin: () => void): void {
    const wanted = (document: TextDocument): boolean => languages().includes(document.languageId);
    if (workspace.textDocuments.some(wanted)) {
        begin();
        return;
    }
    const opened = workspace.onDidOpenTextDocument((document) => {
        if (wanted(document)) {
            opened.dispose();
            begin();
        }
    });
    context.subscriptions.push(opened);
}

export function activate(context: ExtensionContext): void {
    const output = window.createOutputChannel("infill", { log: true });
    const status = new StatusItem();
    const proposals = new Proposals(() => client);
    const views = new Views();
    const live = new Live(proposals);

    let present = "";
    const make = (): void => {
        present = made();
        client = new Client("infill", "infill", executable(), options(output));
        listen(proposals, status);
    };
    // one after the other: two clients at a time would both register the server's commands
    let last = Promise.resolve();
    const restart = (needed = () => true): Promise<void> => {
        last = last.then(async () => {
            if (needed()) {
                status.say("starting", "");
                await client.dispose().catch((error: unknown) => output.warn(String(error)));
                make();
                await start(status);
            }
        });
        return last;
    };
    const configured = (): void => {
        // trusting a folder changes settings, too, and ours only where the folder may choose them
        void restart(() => made() !== present);
        live.refresh();
    };

    make();
    context.subscriptions.push(
        output,
        status,
        proposals,
        views,
        live,
        proposals.onDidChange(() => tellContexts(proposals)),
        window.onDidChangeActiveTextEditor(() => tellContexts(proposals)),
        workspace.onDidChangeConfiguration(configured),
        commands.registerCommand("infill.ui.restart", () => restart()),
        ...register({ client: () => client, proposals, views }),
    );
    whenWanted(context, () => {
        last = last.then(() => (client.needsStart() ? start(status) : undefined));
    });
}

export async function deactivate(): Promise<void> {
    if (client.needsStop()) {
        await client.dispose();
    }
}
