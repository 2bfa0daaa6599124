// A real VS Code in Chromium: starts it, and does what a user does.
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { join } from "node:path";

const QUIET = {
    "editor.autoClosingBrackets": "never",
    "editor.autoClosingQuotes": "never",
    "editor.autoIndent": "none",
    "editor.minimap.enabled": false,
    "editor.quickSuggestions": { comments: "off", strings: "off", other: "off" },
    "editor.wordBasedSuggestions": "off",
    "explorer.autoReveal": false,
    "files.autoSave": "off",
    "security.workspace.trust.enabled": false,
    "window.commandCenter": false,
    "workbench.startupEditor": "none",
    "workbench.tips.enabled": false,
};

async function freePort() {
    const server = createServer();
    await new Promise((done) => server.listen(0, "127.0.0.1", done));
    const { port } = server.address();
    await new Promise((done) => server.close(done));
    return port;
}

async function until(what, check, seconds) {
    const end = Date.now() + seconds * 1000;
    while (Date.now() < end) {
        const found = await check().catch(() => undefined);
        if (found) {
            return found;
        }
        await new Promise((done) => setTimeout(done, 50));
    }
    throw new Error(`waited ${seconds} s for ${what}`);
}

/** Starts code-server and opens the workspace in Chromium; `user` adds to the user's settings. */
export async function start({ home, data, workspace, settings, shots, chromium, user = {} }) {
    for (const kind of ["User", "Machine"]) {
        mkdirSync(join(data, kind), { recursive: true });
    }
    // what has the scope "machine" is read from the machine's settings only
    writeFileSync(join(data, "User", "settings.json"), JSON.stringify({ ...QUIET, ...user }));
    writeFileSync(join(data, "Machine", "settings.json"), JSON.stringify(settings));
    const port = await freePort();
    const entry = join(home, "node_modules/code-server/out/node/entry.js");
    const flags = ["--auth", "none", "--disable-telemetry", "--disable-update-check"];
    const places = ["--user-data-dir", data, "--extensions-dir", join(data, "extensions")];
    const address = ["--bind-addr", `127.0.0.1:${port}`];
    const server = spawn(process.execPath, [entry, ...address, ...flags, ...places], {
        stdio: ["ignore", "ignore", "inherit"],
    });
    try {
        const url = `http://127.0.0.1:${port}/`;
        await until("code-server", async () => (await fetch(`${url}healthz`)).ok, 60);
        const { chromium: driver } = createRequire(join(home, "x.js"))("playwright-core");
        const browser = await driver.launch({
            executablePath: chromium,
            args: ["--no-sandbox", "--disable-gpu"],
        });
        const page = await browser.newPage({ viewport: { width: 1200, height: 760 } });
        await page.goto(`${url}?folder=${encodeURIComponent(workspace)}`);
        const editor = new Editor(page, workspace, data, shots);
        await page.locator(".explorer-folders-view .monaco-list-row").first().waitFor({
            timeout: 90_000,
        });
        return { editor, stop: () => stop(browser, server) };
    } catch (error) {
        server.kill();
        throw error;
    }
}

async function stop(browser, server) {
    await browser.close();
    server.kill();
}

/** What stands in the text without being text: attachments of decorations. */
const attachments = () =>
    [...document.querySelectorAll(".editor-instance .view-lines span span")].flatMap((span) =>
        ["::before", "::after"]
            .map((which) => getComputedStyle(span, which).content)
            .filter((content) => content.startsWith('"'))
            .map((content) => JSON.parse(content).replaceAll("\u00a0", " ")),
    );

/** The lines with attachments, without them. */
const attachedLines = () =>
    [...document.querySelectorAll(".editor-instance .view-line")]
        .filter((line) =>
            [...line.querySelectorAll("span span")].some((span) =>
                getComputedStyle(span, "::after").content.startsWith('"'),
            ),
        )
        .map((line) => line.textContent.replaceAll("\u00a0", " "));

/** The middle of what is drawn at the end of a line, which counts from 0: [x, y]. */
const endOfLine = (number) => {
    const drawn = [...document.querySelectorAll(".editor-instance .view-line")]
        .map((line) => line.getBoundingClientRect().top)
        .sort((a, b) => a - b);
    const line = [...document.querySelectorAll(".editor-instance .view-line")].find(
        (one) => one.getBoundingClientRect().top === drawn[number],
    );
    const box = [...line.querySelectorAll("span span")].at(-1).getBoundingClientRect();
    return [box.right - Math.min(box.width / 2, 8), box.top + box.height / 2];
};

class Editor {
    constructor(page, workspace, data, shots) {
        Object.assign(this, { page, workspace, data, shots });
    }

    /** Changes the machine's settings. */
    configure(settings) {
        writeFileSync(join(this.data, "Machine", "settings.json"), JSON.stringify(settings));
    }

    async open(name, text) {
        writeFileSync(join(this.workspace, name), text);
        await this.press("Control+p");
        const box = this.page.locator(".quick-input-widget input").first();
        // a whole path is looked up, where a part of one needs ripgrep to be searched for
        await box.fill(join(this.workspace, name));
        const first = this.page.locator(".quick-input-list .monaco-list-row").first();
        await first.getByText(name).first().waitFor({ timeout: 20_000 });
        await this.press("Enter");
        const tab = this.page.locator(".tab.active", { hasText: name });
        await tab.waitFor({ timeout: 20_000 });
        await this.page.locator(".editor-instance .view-line").first().waitFor();
        // the focus comes a little later than the text
        await this.page.locator(".editor-instance .monaco-editor.focused").waitFor();
    }

    async command(title) {
        await this.press("F1");
        const box = this.page.locator(".quick-input-widget input").first();
        await box.fill(`>${title}`);
        const label = this.page.locator(".quick-input-list .monaco-icon-name-container .label-name");
        // others that match may stand above it
        const exact = new RegExp(`^${title.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")}$`);
        await label.filter({ hasText: exact }).first().click({ timeout: 20_000 });
        await this.page.mouse.move(1000, 600); // away from what has a tooltip
    }

    /** Puts the cursor there; both count from 1. */
    async go(line, column) {
        await this.press("Control+g");
        const box = this.page.locator(".quick-input-widget input").first();
        await box.fill(`:${line}:${column}`);
        await this.press("Enter");
        await this.page.locator(".editor-instance .monaco-editor.focused").waitFor();
    }

    press(key) {
        return this.page.keyboard.press(key);
    }

    type(text) {
        return this.page.keyboard.type(text, { delay: 15 });
    }

    /** The text on disk after it was saved. */
    async saved(name) {
        await this.press("Control+s");
        const dirty = this.page.locator(".tab.active.dirty");
        await until("the file to be saved", async () => (await dirty.count()) === 0, 10);
        // it is empty for a moment while it is written, also where nothing has changed
        const read = async () => readFileSync(join(this.workspace, name), "utf-8");
        return until("its text", read, 10);
    }

    attached() {
        return this.page.evaluate(attachments);
    }

    attachedLines() {
        return this.page.evaluate(attachedLines);
    }

    /** What the mouse is told at the end of a line, once it is told of tokens: text, table. */
    async hover(number) {
        const box = this.page.locator(".monaco-hover:visible .hover-contents");
        const rows = box.locator("table tr");
        return this.until("a hover", async () => {
            await this.page.mouse.move(1000, 600);
            const [x, y] = await this.page.evaluate(endOfLine, number);
            await this.page.mouse.move(x, y, { steps: 4 });
            await rows.first().waitFor({ timeout: 1500 });
            const cells = (row) => row.locator("th, td").allInnerTexts();
            return {
                text: (await box.allInnerTexts()).join("\n").replaceAll("\u00a0", " "),
                table: await Promise.all((await rows.all()).map(cells)),
            };
        });
    }

    async lenses() {
        return this.page.locator(".editor-instance .codelens-decoration a").allInnerTexts();
    }

    async status() {
        const item = this.page.locator(".statusbar-item", { hasText: "infill" });
        const inside = item.locator(".codicon").first();
        const icon = await inside.getAttribute("class").catch(() => "");
        return `${icon?.match(/codicon-[\w-]+/)?.[0] ?? ""} ${await item.first().innerText()}`;
    }

    /** What the status bar's item tells the mouse. */
    async statusHover() {
        const item = this.page.locator(".statusbar-item", { hasText: "infill" }).first();
        const box = this.page.locator(".monaco-hover:visible", { hasText: "infill: " });
        return this.until("the status to be told", async () => {
            await this.page.mouse.move(1000, 600);
            await item.hover();
            await box.first().waitFor({ timeout: 3000 });
            return box.first().innerText();
        });
    }

    notices() {
        return this.page.locator(".notification-list-item-message").allInnerTexts();
    }

    until(what, check, seconds = 30) {
        return until(what, check, seconds);
    }

    /** Until a proposal stands ready in the text; its lenses are drawn a little later. */
    ready() {
        return this.until("a proposal", async () =>
            (await this.lenses()).some((title) => /^Accept( all.*)?$/.test(title)),
        );
    }

    /** Until no proposal is there, and none on its way. */
    async over() {
        await this.until("the lenses to go", async () => (await this.lenses()).length === 0);
        await this.until("decorations to go", async () => (await this.attached()).length === 0);
        await this.until("the server", async () => (await this.status()).includes("sparkle"));
    }

    denoising() {
        return this.until("text that is denoised", async () => {
            const seen = (await this.attached()).filter((text) => text.includes("▒"));
            return seen.length > 0 && seen;
        });
    }

    async shot(name) {
        if (this.shots) {
            mkdirSync(this.shots, { recursive: true });
            await this.page.screenshot({ path: join(this.shots, `${name}.png`) });
        }
    }
}
