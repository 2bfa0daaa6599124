// Does in a real VS Code what a user does, and prints what was seen as JSON: {scenario: facts}.
//     node drive.mjs '{"home", "data", "workspace", "untrusted", "settings", "chromium",
//         "shots"?, "only"?}'
import { start } from "./editor.mjs";

const SIMPLE = "def mean(values):\n    total = sum(values)\n    return <FILL_ME>\n";
/** Takes long enough for something to happen meanwhile. */
const LONG = [..."abcdefgh"]
    .map((name) => `def ${name}(values):\n    total = <FILL_ME>\n    return <FILL_ME>\n`)
    .join("\n\n");

const scenarios = {
    /** All holes, looked at while they denoise, accepted by key. */
    async allHoles(editor) {
        const name = "all.py";
        await editor.open(
            name,
            [
                "class Counter:",
                "    def __init__(self, name):",
                "        self.name = <FILL_ME>",
                "        self.count = 0",
                "",
                "    def add(self, other):",
                "        self.count += <FILL_ME>",
                "        return self",
                "",
            ].join("\n"),
        );
        await editor.until("the server", async () => (await editor.status()).includes("sparkle"));
        await editor.command("infill: Fill All Holes");
        const steps = await editor.denoising();
        const working = await editor.status();
        await editor.shot("denoising");
        await editor.ready();
        const proposed = await editor.attached();
        const lenses = await editor.lenses();
        await editor.shot("ready");
        const before = await editor.saved(name);
        await editor.press("Control+Enter");
        await editor.over();
        await editor.shot("accepted");
        const left = await editor.attached();
        return { steps, working, proposed, lenses, before, text: await editor.saved(name), left };
    },

    /** Ghost text is shown while typing; Tab takes it. */
    async ghostText(editor) {
        const name = "ghost.py";
        await editor.open(name, "def mean(values):\n    total = sum(values)\n    return \n");
        await editor.go(3, 12);
        await editor.type("total / ");
        const ghost = editor.page.locator(".editor-instance .ghost-text-decoration");
        await editor.until("ghost text", async () => (await ghost.count()) > 0);
        const shown = (await ghost.allInnerTexts()).join("").replaceAll("\u00a0", " ");
        await editor.shot("ghost");
        await editor.press("Tab");
        return { shown, text: await editor.saved(name) };
    },

    /** What is rejected leaves the text as it was. */
    async reject(editor) {
        const name = "reject.py";
        await editor.open(name, SIMPLE);
        await editor.go(3, 14);
        await editor.command("infill: Fill Hole");
        await editor.ready();
        await editor.press("Escape");
        await editor.over();
        return { before: SIMPLE, text: await editor.saved(name) };
    },

    /** Another alternative is shown, and is what is accepted. */
    async next(editor) {
        const name = "next.py";
        await editor.open(name, SIMPLE);
        await editor.go(3, 14);
        await editor.command("infill: Fill Hole");
        await editor.ready();
        const first = await editor.attached();
        await editor.command("infill: Next Alternative");
        await editor.until("another text", async () => {
            const now = await editor.attached();
            return now.length > 0 && now[0] !== first[0];
        });
        const second = await editor.attached();
        await editor.shot("next");
        await editor.press("Control+Enter");
        await editor.over();
        return { first, second, text: await editor.saved(name) };
    },

    /** One hole of two is accepted, the other one waits. */
    async acceptHole(editor) {
        const name = "hole.py";
        await editor.open(name, "def mean(values):\n    total = <FILL_ME>\n    return <FILL_ME>\n");
        await editor.command("infill: Fill All Holes");
        await editor.ready();
        await editor.go(2, 13);
        await editor.command("infill: Accept Hole");
        await editor.until("one hole", async () => (await editor.attached()).length === 1);
        const left = await editor.attached();
        await editor.until("its lens", async () => (await editor.lenses()).includes("Accept"));
        await editor.shot("one-accepted");
        await editor.command("infill: Reject");
        await editor.over();
        return { left, text: await editor.saved(name) };
    },

    /** The user fills the hole by hand while it is being filled: the user wins. */
    async editInside(editor) {
        const name = "inside.py";
        await editor.open(name, SIMPLE);
        await editor.go(3, 14);
        await editor.command("infill: Fill Hole");
        await editor.denoising();
        await editor.type("x");
        await editor.over();
        return { text: await editor.saved(name) };
    },

    /** One of many holes is edited while all are being filled: the others are not lost. */
    async editOne(editor) {
        const name = "one.py";
        await editor.open(name, LONG);
        await editor.go(2, 16);
        await editor.command("infill: Fill All Holes");
        await editor.denoising();
        await editor.type("x");
        await editor.ready();
        await editor.press("Control+Enter");
        await editor.over();
        return { text: await editor.saved(name) };
    },

    /** Lines are typed above holes while they are being filled: the fills go to where they are. */
    async editAbove(editor) {
        const name = "above.py";
        await editor.open(name, LONG);
        await editor.command("infill: Fill All Holes");
        await editor.denoising();
        await editor.press("Control+Home");
        await editor.type("import math\n\n");
        const typed = await editor.status();
        await editor.shot("typed-above");
        await editor.ready();
        // drawn again once the user rests
        await editor.page.waitForTimeout(500);
        const lines = await editor.attachedLines();
        await editor.shot("ready-below");
        await editor.press("Control+Enter");
        await editor.over();
        return { typed, lines, text: await editor.saved(name) };
    },

    /** A selection is rewritten; the changes are looked at beside each other. */
    async rewrite(editor) {
        const name = "rewrite.py";
        const text = "def double(values):\n    result = []\n    return result\n";
        await editor.open(name, text);
        await editor.go(2, 14);
        await editor.press("Shift+End");
        await editor.command("infill: Rewrite Selection");
        await editor.ready();
        const proposed = await editor.attached();
        await editor.shot("rewrite");
        await editor.command("infill: Show Changes");
        const red = editor.page.locator(".monaco-diff-editor .char-delete");
        await editor.until("the difference", async () => (await red.count()) > 0);
        await editor.shot("changes");
        const removed = await editor.page.locator(".monaco-diff-editor").innerText();
        await editor.command("View: Close Editor");
        await editor.page.locator(".tab.active", { hasText: name }).waitFor();
        await editor.command("infill: Reject");
        await editor.over();
        return { proposed, removed, text: await editor.saved(name) };
    },

    /** A parameter gets another name, and the rest of its function follows. */
    async revise(editor) {
        const name = "revise.py";
        await editor.open(name, "def double(values):\n    return [2 * n for n in values]\n");
        await editor.go(1, 12);
        for (const _ of "values") {
            await editor.press("Shift+ArrowRight");
        }
        await editor.type("numbers");
        await editor.command("infill: Revise Function After My Edit");
        await editor.ready();
        const proposed = await editor.attached();
        await editor.shot("revise");
        await editor.press("Control+Enter");
        await editor.over();
        return { proposed, text: await editor.saved(name) };
    },

    /** After a character that takes two units of UTF-16, and with lines that end in CRLF. */
    async astralAndCrlf(editor) {
        const name = "astral.py";
        await editor.open(name, 's = "\u{1d4b3}"; t = <FILL_ME>\r\nu = t\r\n');
        await editor.go(2, 1);
        await editor.command("infill: Fill All Holes");
        await editor.ready();
        await editor.shot("astral");
        await editor.press("Control+Enter");
        await editor.over();
        return { text: await editor.saved(name) };
    },

    /** A fill is cancelled by key, and nothing is left of it. */
    async cancel(editor) {
        const name = "cancel.py";
        await editor.open(name, LONG);
        await editor.command("infill: Fill All Holes");
        await editor.denoising();
        await editor.shot("many");
        await editor.press("Escape");
        const asked = Date.now();
        await editor.until("decorations to go", async () => (await editor.attached()).length === 0);
        const ms = Date.now() - asked;
        await editor.over();
        return { ms, lenses: await editor.lenses(), text: await editor.saved(name) };
    },

    /** How a proposal came about, step by step. */
    async trace(editor) {
        const name = "trace.py";
        await editor.open(name, SIMPLE);
        await editor.go(3, 14);
        await editor.command("infill: Fill Hole");
        await editor.ready();
        await editor.command("infill: Show Trace");
        await editor.page.locator(".tab.active", { hasText: ".jsonl" }).waitFor();
        const lines = editor.page.locator(".editor-instance .view-line");
        const shown = await editor.until("the trace", async () => lines.first().innerText());
        await editor.shot("trace");
        return { shown: shown.replaceAll("\u00a0", " ") };
    },

    /** What is proposed is explained where the mouse rests on it, and still is once accepted. */
    async hover(editor) {
        const name = "hover.py";
        await editor.open(name, SIMPLE);
        await editor.go(3, 14);
        await editor.command("infill: Fill Hole");
        await editor.ready();
        const [proposed] = await editor.attached();
        const ready = await editor.hover(2);
        await editor.shot("hover-ready");
        await editor.press("Control+Enter");
        await editor.over();
        const accepted = await editor.hover(2);
        await editor.shot("hover-accepted");
        return { proposed, ready, accepted, text: await editor.saved(name) };
    },

    /** The server is restarted, twice at once, and works again. */
    async restart(editor) {
        const name = "restart.py";
        await editor.open(name, SIMPLE);
        await editor.command("infill: Restart Server");
        await editor.command("infill: Restart Server");
        await editor.until("a start", async () => (await editor.status()).includes("loading"));
        await editor.until("the server", async () => (await editor.status()).includes("sparkle"));
        await editor.command("infill: Fill All Holes");
        await editor.ready();
        const proposed = await editor.attached();
        await editor.press("Escape");
        await editor.over();
        return { proposed };
    },

    /** A setting that cannot work is told. */
    async aCommandThatIsNotThere(editor) {
        editor.configure({ "infill.command": ["no-such-command"] });
        await editor.until("the status", async () => (await editor.status()).includes("error"));
        await editor.until("a message", async () => (await editor.notices()).length > 0);
        await editor.page.waitForTimeout(500); // for it to be drawn, and for others
        await editor.shot("no-command");
        return { status: await editor.status(), notices: await editor.notices() };
    },
};

/** In a folder that the user has not said to trust, whose settings name a command and a marker. */
const untrusted = {
    /** What it says of the server is not heeded: neither before the user trusts it nor after. */
    async restrictedMode(editor) {
        const { page } = editor;
        const text = SIMPLE.replace("<FILL_ME>", "<HERE>");
        const fill = async (name) => {
            await editor.open(name, text);
            await editor.command("infill: Fill All Holes");
            await editor.ready();
            const proposed = await editor.attached();
            await editor.shot(name.replace(".py", ""));
            await editor.press("Control+Enter");
            await editor.over();
            return { proposed, status: await editor.statusHover(), text: await editor.saved(name) };
        };
        const mode = page.locator(".statusbar-item", { hasText: "Restricted Mode" });
        await mode.waitFor();
        const before = await fill("restricted.py");
        await editor.command("Workspaces: Manage Workspace Trust");
        const trust = page.locator(".workspace-trust-editor");
        await trust.waitFor();
        await trust.getByText("workspace settings", { exact: false }).first().waitFor();
        await editor.shot("trust");
        await trust.locator("a.monaco-button", { hasText: /^Trust$/ }).click();
        await mode.waitFor({ state: "detached" });
        await editor.command("infill: Restart Server");
        await editor.until("a start", async () => (await editor.status()).includes("loading"));
        await editor.until("the server", async () => (await editor.status()).includes("sparkle"));
        const after = await fill("trusted.py");
        return { before, after, notices: await editor.notices() };
    },
};

const options = JSON.parse(process.argv[2]);
const facts = {};

/** Plays scenarios in an editor of their own. */
async function play(scenarios, more = {}) {
    const wanted = Object.entries(scenarios).filter(
        ([name]) => !options.only || options.only.includes(name),
    );
    if (wanted.length === 0) {
        return;
    }
    const { editor, stop } = await start({ ...options, ...more });
    for (const [name, scenario] of wanted) {
        try {
            facts[name] = await scenario(editor);
        } catch (error) {
            await editor.shot(`failed-${name}`);
            facts[name] = {
                error: String(error.message),
                notices: await editor.notices(),
                attached: await editor.attached(),
            };
        }
        await editor.press("Escape");
    }
    await stop();
}

await play(scenarios);
await play(untrusted, {
    workspace: options.untrusted,
    user: {
        "security.workspace.trust.enabled": true,
        "security.workspace.trust.startupPrompt": "never",
    },
});
console.log(JSON.stringify(facts));
