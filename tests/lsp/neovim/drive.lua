-- Runs the scenarios of a script in a Neovim whose main loop turns, so that keys, events and the
-- server's messages come as they do for a user. Each answers a table, printed as a line of JSON:
--   {"scenario": name, "ms": 310, "seen": {…}}, or with "error": "…" for "seen"
--
-- The environment says what is run: INFILL_CLIENT (the client), INFILL_COMMAND (the server, JSON),
-- INFILL_SCENARIOS (the script), INFILL_ONLY (some of them, with commas between), and
-- INFILL_ENCODING (of positions, if only one is to be offered).

vim.opt.swapfile = false
vim.opt.hidden = true

local D = { said = {}, steps = {}, states = {} }

vim.notify = function(message)
  table.insert(D.said, message)
end

package.preload.infill = assert(loadfile(vim.env.INFILL_CLIENT))
D.infill = require("infill")

local turning ---@type thread

--- Lets the main loop run until `done` answers something true, which it returns.
function D.wait(done, what, limit)
  local started = vim.uv.now()
  while true do
    local answer = done()
    if answer then
      return answer
    end
    if vim.uv.now() - started > (limit or 20000) then
      error(("no %s after %d ms; said: %s"):format(what, limit or 20000, vim.inspect(D.said)), 2)
    end
    vim.defer_fn(function()
      assert(coroutine.resume(turning))
    end, 5)
    coroutine.yield()
  end
end

function D.sleep(ms)
  local stop = vim.uv.now() + ms
  D.wait(function()
    return vim.uv.now() >= stop
  end, "end of sleep")
end

--- Types keys, and waits until they were read.
function D.type(keys)
  vim.api.nvim_input(keys)
  D.sleep(30)
end

--- Puts the cursor on a line (from 1) and a byte (from 0), and types.
function D.put_cursor(line, col, keys)
  vim.api.nvim_win_set_cursor(0, { line, col })
  D.type(keys)
end

function D.client()
  return vim.lsp.get_clients({ name = "infill", bufnr = 0 })[1]
end

--- Opens a file with this text, as a user opens one, and waits for the server.
function D.open(name, text)
  local file = assert(io.open(name, "wb"))
  file:write(text)
  file:close()
  D.type("<Esc>")
  vim.cmd.edit(name)
  D.wait(function()
    local client = D.client()
    return client and client.initialized
  end, "server")
  D.said, D.steps, D.states = {}, {}, {}
  return vim.uri_from_bufnr(0)
end

function D.text()
  return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), "\n")
end

--- The virtual text of the buffer, by the name of the namespace: {row, col, text}, in order.
function D.shown(namespace)
  local ns = vim.api.nvim_get_namespaces()[namespace]
  local found = {}
  for _, mark in ipairs(vim.api.nvim_buf_get_extmarks(0, ns, 0, -1, { details = true })) do
    local text = {}
    for _, chunk in ipairs(mark[4].virt_text or {}) do
      text[#text + 1] = chunk[1]
    end
    for _, line in ipairs(mark[4].virt_lines or {}) do
      text[#text + 1] = "\n" .. line[1][1]
    end
    if #text > 0 then
      found[#found + 1] = { mark[2], mark[3], table.concat(text) }
    end
  end
  return found
end

function D.ghost()
  local shown = D.shown("infill.ghost")[1]
  return shown and shown[3]
end

--- Waits until a proposal of this buffer, other than those that were seen so, is in this state.
function D.state(name, limit)
  local uri = vim.uri_from_bufnr(0)
  return D.wait(function()
    for i, proposal in ipairs(D.states) do
      if proposal.state == name and proposal.uri == uri then
        table.remove(D.states, i)
        return proposal
      end
    end
  end, "proposal that is " .. name, limit)
end

local function listen(pattern, into)
  vim.api.nvim_create_autocmd("User", {
    pattern = pattern,
    callback = function(args)
      table.insert(D[into], args.data)
    end,
  })
end

listen("InfillStep", "steps")
listen("InfillProposal", "states")

if vim.env.INFILL_ENCODING then
  vim.lsp.config("infill", {
    capabilities = { general = { positionEncodings = { vim.env.INFILL_ENCODING } } },
  })
end

local function run(scenarios)
  local only = vim.env.INFILL_ONLY and vim.split(vim.env.INFILL_ONLY, ",")
  for _, scenario in ipairs(scenarios) do
    local name, play = unpack(scenario)
    if not only or vim.list_contains(only, name) then
      local started = vim.uv.now()
      local ok, seen = xpcall(play, debug.traceback)
      local line = { scenario = name, ms = vim.uv.now() - started }
      line[ok and "seen" or "error"] = seen
      io.stdout:write(vim.json.encode(line), "\n")
      io.stdout:flush()
    end
  end
  for _, client in ipairs(vim.lsp.get_clients()) do
    client:stop(true)
  end
  vim.cmd("qall!")
end

vim.cmd("filetype on")
turning = coroutine.create(function()
  local ok, why = xpcall(function()
    run(assert(loadfile(vim.env.INFILL_SCENARIOS))(D))
  end, debug.traceback)
  if not ok then
    io.stderr:write(why, "\n")
    vim.cmd.cquit()
  end
end)
vim.schedule(function()
  assert(coroutine.resume(turning))
end)
