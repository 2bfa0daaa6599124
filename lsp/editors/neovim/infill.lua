-- Neovim's client of `infill lsp`: ghost text, the live view of a sample, proposals to accept.
--
-- One file, for Neovim 0.11 and newer: copy it to ~/.config/nvim/lua/infill.lua, and call
--   require("infill").setup{}
-- What it takes is in DEFAULTS. In a buffer of one of its file types there are then
--   :InfillFill :InfillFillAll :[range]InfillRewrite[!] [keep …] :InfillRevise [scope]
--   :InfillAccept :InfillAcceptHole :InfillReject :InfillNext :InfillPrev :InfillCancel[!]
--   :InfillStatus :InfillTrace, and :checkhealth infill
-- Others may listen to the events `User InfillStep`, `InfillProposal` and `InfillStatus`.
--
-- It draws what the server says and sends what the user asks. What a proposal is, and where its
-- holes are, only the server knows (docs/lsp.md).

local M = {}
local api, lsp = vim.api, vim.lsp

local NAME = "infill"
local GHOST = api.nvim_create_namespace("infill.ghost")
local LIVE = api.nvim_create_namespace("infill.live")
local OPEN = "▒" -- a slot that is not filled yet
local INVOKED, AUTOMATIC = 1, 2 -- LSP 3.18, InlineCompletionTriggerKind

local DEFAULTS = {
  cmd = { "infill", "lsp" },
  filetypes = { "python", "json" },
  -- the server's settings, docs/lsp.md; with `live` Neovim's inlay hints show a sample, not we
  settings = {
    accept = "ask",
    live = false,
    inline = { enabled = true, automatic = true, debounce = 150 },
  },
  -- local to buffers with the server; `false` for one, or for all of them, leaves it out
  keymaps = {
    fill = "<leader>if",
    fill_all = "<leader>iF",
    rewrite = "<leader>ir",
    revise = "<leader>iv",
    accept = "<leader>ia",
    accept_hole = "<leader>ih",
    reject = "<leader>ix",
    next = "<leader>in",
    previous = "<leader>ip",
    cancel = "<leader>ic",
    -- in insert mode; where nothing is shown, such a key does what it did before
    ghost = {
      accept = "<Tab>",
      word = "<M-f>",
      line = "<M-e>",
      next = "<M-]>",
      previous = "<M-[>",
      dismiss = "<C-]>",
      request = "<M-Space>",
    },
  },
}

local HIGHLIGHTS = {
  InfillGhost = "NonText",
  InfillOpen = "NonText", -- a slot still open
  InfillStep = "Comment", -- what a running sample holds so far
  InfillProposed = "DiffAdd", -- what would be written
  InfillOld = "DiffDelete", -- what it would replace
  InfillInfo = "Comment",
}

local options ---@type table?
local server_status ---@type table?
local proposals = {} -- by id: {buf, proposal, marks}; those that are worked on or ready
local free_mark = 1 -- a hole has two extmarks, numbered `marks[index]` and one more

-- Positions ------------------------------------------------------------------------------------

local function client_of(buf)
  return lsp.get_clients({ name = NAME, bufnr = buf })[1]
end

local function say(message, level)
  vim.notify("infill: " .. message, level or vim.log.levels.INFO)
end

local function line_at(buf, row)
  return api.nvim_buf_get_lines(buf, row, row + 1, false)[1] or ""
end

--- LSP's position of a byte; rows and columns from 0.
local function to_lsp(buf, row, col, encoding)
  return { line = row, character = vim.str_utfindex(line_at(buf, row), encoding, col, false) }
end

--- Row and byte column of LSP's position, inside the buffer.
local function from_lsp(buf, position, encoding)
  local last = api.nvim_buf_line_count(buf) - 1
  if position.line > last then
    return last, #line_at(buf, last)
  end
  local line = line_at(buf, position.line)
  return position.line, vim.str_byteindex(line, encoding, position.character, false)
end

local function cursor()
  local row, col = unpack(api.nvim_win_get_cursor(0))
  return row - 1, col
end

local function lines_of(text)
  return vim.split((text:gsub("\r\n?", "\n")), "\n", { plain = true })
end

--- A text as virtual text: the chunks of its first line, and those of the lines below it.
local function virtual(buf, text, group)
  local tab = (" "):rep(vim.bo[buf].tabstop) -- virtual text would show a tab as ^I
  local lines = vim.tbl_map(function(line)
    local chunks = {}
    for i, settled in ipairs(vim.split((line:gsub("\t", tab)), OPEN, { plain = true })) do
      chunks[#chunks + 1] = i > 1 and { OPEN, "InfillOpen" } or nil
      chunks[#chunks + 1] = { settled, group }
    end
    return chunks
  end, lines_of(text))
  return table.remove(lines, 1), lines
end

-- Ghost text -----------------------------------------------------------------------------------

local ghost ---@type table? what is shown: {at, items, index}
local asked ---@type table? where the last question was asked: {at, client, id}
local timer = assert(vim.uv.new_timer())

--- Neovim 0.12 draws inline completion itself. It always asks unbidden.
local function native()
  return lsp.inline_completion ~= nil and options.settings.inline.automatic
end

local function here()
  local buf = api.nvim_get_current_buf()
  local row, col = cursor()
  return { buf = buf, row = row, col = col, tick = api.nvim_buf_get_changedtick(buf) }
end

local function inserting()
  return vim.startswith(api.nvim_get_mode().mode, "i")
end

local function drop_ghost()
  timer:stop()
  if asked and asked.id and asked.client.requests[asked.id] then
    asked.client:cancel_request(asked.id)
  end
  if ghost and api.nvim_buf_is_valid(ghost.at.buf) then
    api.nvim_buf_clear_namespace(ghost.at.buf, GHOST, 0, -1)
  end
  ghost, asked = nil, nil
end

--- What is left of an item to show at the cursor, and how many bytes behind the cursor it replaces;
--- nil where the text before the cursor is not the item's own.
local function remainder(item, at, encoding)
  local text = item.insertText
  if type(text) ~= "string" then -- a snippet, which we did not ask for
    return nil
  end
  text = text:gsub("\r\n?", "\n")
  local start, stop = at.col, at.col
  if item.range then
    start = select(2, from_lsp(at.buf, item.range.start, encoding))
    stop = select(2, from_lsp(at.buf, item.range["end"], encoding))
  end
  local line = line_at(at.buf, at.row)
  local typed, behind = line:sub(start + 1, at.col), line:sub(at.col + 1, stop)
  if not vim.startswith(text, typed) then
    return nil
  end
  text = text:sub(#typed + 1)
  if behind ~= "" and vim.endswith(text, behind) then
    text, behind = text:sub(1, -#behind - 1), ""
  end
  return text ~= "" and { text = text, behind = #behind, command = item.command } or nil
end

local function show_ghost()
  local at = ghost.at
  api.nvim_buf_clear_namespace(at.buf, GHOST, 0, -1)
  local first, below = virtual(at.buf, ghost.items[ghost.index].text, "InfillGhost")
  api.nvim_buf_set_extmark(at.buf, GHOST, at.row, at.col, {
    virt_text = first, virt_text_pos = "inline", virt_lines = below,
  })
end

local function ask(kind)
  local at = here()
  local client = client_of(at.buf)
  if not (client and client.server_capabilities.inlineCompletionProvider) then
    return
  end
  drop_ghost()
  local encoding = client.offset_encoding
  local question = { at = at, client = client }
  asked = question
  local params = {
    textDocument = { uri = vim.uri_from_bufnr(at.buf) },
    position = to_lsp(at.buf, at.row, at.col, encoding),
    context = { triggerKind = kind },
  }
  local function answered(err, result)
    if err or not result or asked ~= question or not inserting() then
      return
    end
    question.id = nil
    local items = {}
    for _, item in ipairs(vim.deep_equal(at, here()) and (result.items or result) or {}) do
      items[#items + 1] = remainder(item, at, encoding)
    end
    if #items > 0 and vim.fn.pumvisible() == 0 then
      ghost = { at = at, items = items, index = 1 }
      show_ghost()
    end
  end
  -- the buffer's number, not 0: with 0 Neovim does not send the changes that are pending
  local _, id = client:request("textDocument/inlineCompletion", params, answered, at.buf)
  question.id = id
end

--- Drops what is shown where buffer, cursor or text are no longer the same; a new text asks anew.
local function refresh(event)
  local at, before = here(), asked and asked.at
  if before and vim.deep_equal(at, before) and event ~= "InsertEnter" then
    return
  end
  local typed = event == "InsertEnter" or not before or before.tick ~= at.tick
  drop_ghost()
  asked = { at = at }
  local inline = options.settings.inline
  if typed and inline.enabled and inline.automatic and vim.bo.modifiable then
    timer:start(inline.debounce, 0, vim.schedule_wrap(function()
      if inserting() and vim.fn.pumvisible() == 0 then
        ask(AUTOMATIC)
      end
    end))
  end
end

local PART = {
  word = function(text) return vim.fn.matchstr(text, [[^\_s*\%(\k\+\|\%(\k\@!\S\)\+\)]]) end,
  line = function(text) return text:match("^\n*[^\n]+") or text end,
}

--- Writes an item, or the part of it that `part` takes, and returns the rest.
local function write(item, at, part)
  local text = part and part(item.text) or item.text
  text = text ~= "" and text or item.text
  local whole = text == item.text
  vim.bo.undolevels = vim.bo.undolevels -- what was typed is undone apart from what was accepted
  local lines = lines_of(text)
  local stop = at.col + (whole and item.behind or 0)
  api.nvim_buf_set_text(at.buf, at.row, at.col, at.row, stop, lines)
  local col = #lines[#lines] + (#lines == 1 and at.col or 0)
  api.nvim_win_set_cursor(0, { at.row + #lines, col })
  local client = client_of(at.buf)
  if whole and item.command and client then
    client:exec_cmd(item.command, { bufnr = at.buf })
  end
  return item.text:sub(#text + 1)
end

--- Takes the shown item, or part of it; false where none is shown.
local function take(part)
  if native() then
    return lsp.inline_completion.get({
      on_accept = part and function(item)
        local at, encoding = here(), lsp.get_client_by_id(item.client_id).offset_encoding
        local range = item.range and item.range:to_lsp(encoding)
        local rest = remainder({ insertText = item.insert_text, range = range }, at, encoding)
        if rest then
          write(rest, at, part)
        end
      end,
    })
  end
  if not (ghost and vim.deep_equal(ghost.at, here()) and inserting()) then
    return false
  end
  local item, at = ghost.items[ghost.index], ghost.at
  drop_ghost()
  local rest = write(item, at, part)
  if rest ~= "" then
    item = { text = rest, behind = item.behind, command = item.command }
    asked = { at = here() } -- what is left is shown: our own edit asks for nothing
    ghost = { at = asked.at, items = { item }, index = 1 }
    show_ghost()
  end
  return true
end

local function turn(count)
  if native() then
    lsp.inline_completion.select({ count = count })
    return true
  end
  if not ghost then
    return false
  end
  ghost.index = (ghost.index - 1 + count) % #ghost.items + 1
  show_ghost()
  return true
end

-- Each answers whether there was something to do it to.
M.ghost = {
  accept = function() return take() end,
  word = function() return take(PART.word) end,
  line = function() return take(PART.line) end,
  next = function() return turn(1) end,
  previous = function() return turn(-1) end,
}

function M.ghost.dismiss()
  local shown = ghost ~= nil
  drop_ghost()
  asked = { at = here() }
  if native() then
    lsp.inline_completion.enable(false, { bufnr = 0 })
    lsp.inline_completion.enable(true, { bufnr = 0 })
  end
  return shown
end

function M.ghost.request()
  if native() then
    api.nvim_exec_autocmds("CursorMovedI", { buffer = 0 }) -- what Neovim's own waits for
  else
    ask(INVOKED)
  end
  return true
end

-- The live view --------------------------------------------------------------------------------

--- Where a hole is. Extmarks move with the text; a range is right only for its version.
local function place(entry, hole, version, encoding)
  if version ~= lsp.util.buf_versions[entry.buf] then
    local id = entry.marks[hole.index]
    local mark = id and api.nvim_buf_get_extmark_by_id(entry.buf, LIVE, id, { details = true })
    if mark and mark[1] then
      return mark[1], mark[2], mark[3].end_row, mark[3].end_col
    end
  end
  local row, col = from_lsp(entry.buf, hole.range.start, encoding)
  return row, col, from_lsp(entry.buf, hole.range["end"], encoding)
end

--- Draws the text of a hole behind the text that it replaces: an extmark for each of the two.
local function draw(entry, hole, version, group, info)
  local client = client_of(entry.buf)
  if not client then
    return
  end
  local row, col, end_row, end_col = place(entry, hole, version, client.offset_encoding)
  local first, below = virtual(entry.buf, hole.text, group)
  first[#first + 1] = info and { info, "InfillInfo" }
  local id = entry.marks[hole.index] or free_mark
  if id == free_mark then
    entry.marks[hole.index], free_mark = id, id + 2
  end
  api.nvim_buf_set_extmark(entry.buf, LIVE, row, col, {
    id = id, end_row = end_row, end_col = end_col, hl_group = "InfillOld",
    conceal = entry.proposal.kind == "fill" and "" or nil, -- a marker, where `conceallevel` is set
  })
  api.nvim_buf_set_extmark(entry.buf, LIVE, end_row, end_col, {
    id = id + 1, virt_text = first, virt_text_pos = "inline", virt_lines = below,
    right_gravity = false, -- what is typed right behind a hole is not in it
  })
end

--- Takes away what is drawn of a proposal; all of it, or the holes that are not in `left`.
local function erase(entry, left)
  for index, id in pairs(entry.marks) do
    if not (left and left[index]) then
      entry.marks[index] = nil
      if api.nvim_buf_is_valid(entry.buf) then
        api.nvim_buf_del_extmark(entry.buf, LIVE, id)
        api.nvim_buf_del_extmark(entry.buf, LIVE, id + 1)
      end
    end
  end
end

local function fire(pattern, data)
  api.nvim_exec_autocmds("User", { pattern = pattern, data = data, modeline = false })
end

local function on_step(_, step)
  local entry = proposals[step.proposal] -- none: the step comes after the proposal's end
  if entry and entry.proposal.state == "working" and not options.settings.live then
    for _, hole in ipairs(step.holes) do
      draw(entry, hole, step.version, "InfillStep")
    end
  end
  fire("InfillStep", step)
end

local function on_proposal(_, proposal)
  local id, state, buf = proposal.id, proposal.state, vim.uri_to_bufnr(proposal.uri)
  local open = (state == "working" or state == "ready") and api.nvim_buf_is_loaded(buf)
  local entry = proposals[id] or { buf = buf, marks = {} }
  entry.proposal, proposals[id] = proposal, open and entry or nil
  local left, info = {}, (" %d/%d"):format(proposal.choice + 1, proposal.of) -- behind the first
  for _, hole in ipairs(open and proposal.holes or {}) do
    if not hole.filled then
      left[hole.index] = true
      if state == "ready" then
        draw(entry, hole, proposal.version, "InfillProposed", info)
        info = nil
      end
    end
  end
  erase(entry, left)
  if state == "invalid" then
    say(proposal.message)
  end
  fire("InfillProposal", proposal)
end

local function on_status(_, status)
  server_status = status
  vim.cmd.redrawstatus({ bang = true })
  fire("InfillStatus", status)
end

--- For a statusline: `%{v:lua.require'infill'.status()}`.
function M.status()
  if not server_status then
    return ""
  end
  local state, queue = server_status.state, server_status.queue or 0
  return "infill" .. (state == "idle" and "" or " " .. state) .. (queue > 0 and " +" .. queue or "")
end

-- Commands -------------------------------------------------------------------------------------

--- Sends one of the server's commands; `argument(buf, client)` makes what it takes.
local function send(command, argument, answered)
  local buf = api.nvim_get_current_buf()
  local client = client_of(buf)
  if not client then
    return say("no server for this buffer; see :checkhealth infill", vim.log.levels.WARN)
  end
  local params = { command = "infill." .. command, arguments = { argument(buf, client) } }
  client:request("workspace/executeCommand", params, function(err, result)
    if err then -- not where it was cancelled: Neovim keeps that answer to itself
      return say(err.message, vim.log.levels.WARN)
    end
    result = result or {}
    if result.applied == false or (command == "revise" and not result.id) then
      say(result.message or "nothing to do")
    elseif answered then
      answered(result)
    end
  end, buf)
end

local function whole_buffer(buf)
  return { uri = vim.uri_from_bufnr(buf) }
end

local function at_cursor(buf, client)
  local row, col = cursor()
  local position = to_lsp(buf, row, col, client.offset_encoding)
  return { uri = vim.uri_from_bufnr(buf), position = position }
end

--- The proposal and the hole that are shown nearest to the cursor; or the buffer, for its latest.
local function nearest(buf)
  local here_row, here_col = cursor()
  local found, least = whole_buffer(buf), math.huge
  for id, entry in pairs(proposals) do
    for index, mark in pairs(entry.buf == buf and entry.marks or {}) do
      local row, col = unpack(api.nvim_buf_get_extmark_by_id(buf, LIVE, mark, {}))
      local far = math.abs(row - here_row) * 1e4 + math.abs(col - here_col)
      if far < least then
        found, least = { proposal = id, hole = index }, far
      end
    end
  end
  return found
end

local function proposal_of(buf)
  local found = nearest(buf)
  found.hole = nil
  return found
end

function M.fill() send("fill", at_cursor) end
function M.fill_all() send("fillAll", whole_buffer) end
function M.accept() send("accept", proposal_of) end
function M.accept_hole() send("acceptHole", nearest) end
function M.reject() send("reject", proposal_of) end
function M.next() send("next", proposal_of) end
function M.previous() send("previous", proposal_of) end

--- Ends what runs for this buffer, or all that runs.
function M.cancel(all)
  send("cancel", all and vim.empty_dict or whole_buffer, function(result)
    say(result.cancelled == 0 and "nothing runs" or "cancelled")
  end)
end

--- Lets the function (or "class", "file") around the cursor follow the last edit.
function M.revise(scope)
  send("revise", function(...)
    return vim.tbl_extend("force", at_cursor(...), { scope = scope })
  end)
end

--- Rewrites lines, or what is selected by character within them. `args` as of a user command: its
--- arguments are texts to keep, and `bang` keeps all names.
function M.rewrite(args)
  send("rewrite", function(buf, client)
    local encoding, end_line = client.offset_encoding, line_at(buf, args.line2 - 1)
    local col, end_col = 0, #end_line
    local from, to = api.nvim_buf_get_mark(buf, "<"), api.nvim_buf_get_mark(buf, ">")
    local selected = args.range == 2 and vim.fn.visualmode() == "v"
    if selected and from[1] == args.line1 and to[1] == args.line2 then
      col, end_col = from[2], math.min(to[2] + 1, #end_line)
      end_col = end_col + (end_col > 0 and vim.str_utf_end(end_line, end_col) or 0)
    end
    local start = to_lsp(buf, args.line1 - 1, col, encoding)
    return {
      uri = vim.uri_from_bufnr(buf),
      range = { start = start, ["end"] = to_lsp(buf, args.line2 - 1, end_col, encoding) },
      keep = #args.fargs > 0 and args.fargs or nil,
      keepNames = args.bang,
    }
  end)
end

--- Opens the trace of the nearest proposal, JSON lines, in a new window.
function M.trace()
  send("trace", proposal_of, function(result)
    vim.cmd.new()
    vim.bo.buftype, vim.bo.bufhidden = "nofile", "wipe"
    api.nvim_buf_set_lines(0, 0, -1, false, lines_of(vim.trim(result.trace)))
    vim.bo.modifiable = false
  end)
end

--- A line about a status of the server.
local function described(status)
  local parts = { status.state }
  for _, key in ipairs({ "model", "device", "queue", "message" }) do
    if status[key] and status[key] ~= "" then
      parts[#parts + 1] = key .. " " .. status[key]
    end
  end
  return table.concat(parts, ", ")
end

function M.show_status()
  send("status", vim.empty_dict, function(status) say(described(status)) end)
end

local function define_commands()
  local function define(name, run, extra)
    api.nvim_create_user_command("Infill" .. name, run, extra or {})
  end
  for name, run in pairs({
    Fill = M.fill, FillAll = M.fill_all, Accept = M.accept, AcceptHole = M.accept_hole,
    Reject = M.reject, Next = M.next, Prev = M.previous, Trace = M.trace, Status = M.show_status,
  }) do
    define(name, function() run() end)
  end
  define("Cancel", function(args) M.cancel(args.bang) end, {
    bang = true, desc = "cancel this buffer's work; with ! all of it",
  })
  define("Rewrite", M.rewrite, {
    range = true, nargs = "*", bang = true, desc = "keeps the arguments; with ! all names",
  })
  define("Revise", function(args) M.revise(args.fargs[1]) end, {
    nargs = "?", complete = function() return { "function", "class", "file" } end,
  })
end

-- Keys, setup, health --------------------------------------------------------------------------

--- Does what a key did before we mapped it.
local function fall_back(key, before)
  local keys, mode = before.rhs or key, before.noremap == 0 and "mi" or "ni"
  if before.callback then
    keys = before.callback()
    keys = before.expr == 1 and keys or ""
  elseif before.expr == 1 then
    keys = api.nvim_eval(keys)
  end
  api.nvim_feedkeys(api.nvim_replace_termcodes(keys, true, true, true), mode, false)
end

local function map_keys(buf)
  local keys = options.keymaps
  if not keys or vim.b[buf].infill_keys then
    return
  end
  vim.b[buf].infill_keys = true
  local function map(mode, key, run, action)
    if key then
      vim.keymap.set(mode, key, run, { buffer = buf, desc = "infill: " .. action })
    end
  end
  for action, key in pairs(keys) do
    if action == "rewrite" then
      map({ "n", "x" }, key, ":InfillRewrite<CR>", action)
    elseif action ~= "ghost" then
      map("n", key, function() M[action]() end, action)
    end
  end
  for action, key in pairs(keys.ghost or {}) do
    local before = api.nvim_buf_call(buf, function()
      return vim.fn.maparg(key or "", "i", false, true)
    end)
    map("i", key, function()
      if not M.ghost[action]() then
        fall_back(key, before)
      end
    end, "ghost text, " .. action)
  end
end

local function define_events()
  local group = api.nvim_create_augroup("infill", {})
  local function on(events, pattern, run)
    api.nvim_create_autocmd(events, { group = group, pattern = pattern, callback = run })
  end
  on("LspAttach", "*", function(args)
    if client_of(args.buf) then
      map_keys(args.buf)
      if native() and options.settings.inline.enabled then
        lsp.inline_completion.enable(true, { bufnr = args.buf })
      end
    end
  end)
  on({ "InsertEnter", "TextChangedI", "TextChangedP", "CursorMovedI" }, "*", function(args)
    if not native() and client_of(args.buf) then
      refresh(args.event)
    end
  end)
  on("ModeChanged", "i*:*", drop_ghost)
  on("BufLeave", "*", drop_ghost)
  -- the server forgets what it proposed for a file that is closed, or read again
  on({ "LspDetach", "BufUnload" }, "*", function(args)
    for id, entry in pairs(proposals) do
      if entry.buf == args.buf then
        erase(entry)
        proposals[id] = nil
      end
    end
  end)
end

--- `:checkhealth` finds a plugin by a file of its own, which we, being one file, lend it.
local function lend_health()
  if #api.nvim_get_runtime_file("lua/infill/health.lua", false) > 0 then
    return
  end
  local root = vim.fn.tempname()
  vim.fn.mkdir(root .. "/lua/infill", "p")
  vim.fn.writefile({ 'return require("infill").health' }, root .. "/lua/infill/health.lua")
  vim.opt.runtimepath:append(root)
end

--- Starts the server for the configured file types. DEFAULTS says what `opts` may hold.
function M.setup(opts)
  options = vim.tbl_deep_extend("force", DEFAULTS, opts or {})
  for group, link in pairs(HIGHLIGHTS) do
    api.nvim_set_hl(0, group, { link = link, default = true })
  end
  define_commands()
  define_events()
  lend_health()
  local settings = vim.deepcopy(options.settings)
  settings.inline.debounce = 0 -- the wait is here, where keys are seen
  local init = vim.tbl_extend("force", settings, { notifications = true })
  settings.model, settings.threads = nil, nil -- the server takes these only when it starts
  lsp.config(NAME, {
    cmd = options.cmd,
    filetypes = options.filetypes,
    init_options = init,
    settings = { infill = settings },
    capabilities = { textDocument = { inlineCompletion = { dynamicRegistration = false } } },
    handlers = {
      ["infill/step"] = on_step,
      ["infill/proposal"] = on_proposal,
      ["infill/status"] = on_status,
    },
    -- one server, and one model in memory, for all folders
    reuse_client = function(client, config)
      return client.name == config.name and not client:is_stopped()
    end,
    on_exit = vim.schedule_wrap(function() on_status(nil, nil) end),
  })
  lsp.enable(NAME)
end

local function check_server(health, client)
  local info, can = client.server_info or {}, client.server_capabilities
  health.ok(("server: %s %s"):format(info.name, info.version or ""))
  health.info("positions in " .. client.offset_encoding)
  health.info("commands: " .. table.concat((can.executeCommandProvider or {}).commands or {}, " "))
  if can.inlineCompletionProvider then
    health.ok("inline completion, drawn by " .. (native() and "Neovim" or "infill.lua"))
  else
    health.warn("no inline completion")
  end
  local params = { command = "infill.status", arguments = { vim.empty_dict() } }
  local buf = next(client.attached_buffers) or 0
  local answer, why = client:request_sync("workspace/executeCommand", params, 2000, buf)
  if answer and answer.result then
    local failed = answer.result.state == "failed"
    health[failed and "error" or "ok"](described(answer.result))
  else
    health.error("no answer to infill.status: " .. (why or answer.err.message))
  end
end

M.health = {}

function M.health.check()
  local health = vim.health
  health.start("infill")
  if not options then
    return health.error("not set up", 'call require("infill").setup{}')
  end
  local command = options.cmd[1]
  if vim.fn.executable(command) == 1 then
    health.ok("command: " .. vim.fn.exepath(command))
  else
    health.error(command .. " is not executable", "pip install infill-lm, or set `cmd`")
  end
  local client = lsp.get_clients({ name = NAME })[1]
  if client then
    return check_server(health, client)
  end
  health.warn("the server does not run", {
    "open a file of type " .. table.concat(options.filetypes, " or "),
    "look into " .. vim.fs.joinpath(vim.fn.stdpath("log"), "lsp.log"),
  })
end

return M
