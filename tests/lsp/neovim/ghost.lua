-- The part of the session that is about ghost text.

local D, scenario = ...

--- Whether this ghost text is no longer shown; another may be by now.
local function gone(ghost)
  local now = D.shown("infill.ghost")[1]
  return now == nil or now[1] ~= ghost[1] or now[2] ~= ghost[2]
end

scenario("ghost", function()
  D.open("ghost.py", "def add(first, second):\n    total = first +\n    return total\n")
  D.put_cursor(2, 18, "A ")
  local before = D.text()
  local ghost = D.wait(D.ghost, "ghost text")
  local shown = D.shown("infill.ghost")[1]
  D.type("<Tab>")
  local after, dropped = D.text(), gone(shown)
  D.type("<Esc>")
  vim.cmd.undo()
  return {
    before = before,
    ghost = ghost,
    shown = shown,
    after = after,
    gone = dropped,
    undone = D.text(),
  }
end)

scenario("ghost_is_dropped", function()
  D.open("drop.py", "def add(first, second):\n    total = first +\n    return total\n")
  local dropped = {}
  local function again(name, keys)
    D.type("<Esc>")
    vim.api.nvim_buf_set_lines(0, 1, 2, false, { "    total = first +" })
    D.put_cursor(2, 18, "A ")
    D.wait(D.ghost, "ghost text before " .. name)
    local shown = D.shown("infill.ghost")[1]
    D.type(keys)
    dropped[name] = gone(shown)
  end
  again("typing", "x")
  again("moving", "<Left>")
  again("leaving", "<Esc>")
  again("dismissing", "<C-]>")
  again("another buffer", "<Cmd>new<CR>")
  D.type("<Esc>")
  vim.cmd.close()
  return dropped
end)

scenario("ghost_in_parts", function()
  D.open("parts.py", "def add(first, second):\n    total =\n    return total\n")
  D.put_cursor(2, 11, "A ")
  local ghost = D.wait(D.ghost, "ghost text")
  local texts = { D.text() }
  local function press(keys)
    D.type(keys)
    table.insert(texts, D.text())
  end
  press("<M-f>")
  local rest = D.ghost()
  press("<M-e>")
  D.type("<Esc>")
  return { ghost = ghost, rest = rest, texts = texts }
end)

scenario("ghost_on_request", function()
  D.infill.setup({
    cmd = vim.json.decode(vim.env.INFILL_COMMAND),
    settings = { inline = { automatic = false } },
  })
  D.open("manual.py", "def add(first, second):\n    total = first +\n    return total\n")
  D.put_cursor(2, 18, "A ")
  D.sleep(300)
  local unasked = D.ghost()
  D.type("<M-Space>")
  local ghost = D.wait(D.ghost, "ghost text")
  D.type("<Esc>")
  return { unasked = unasked == nil, ghost = ghost }
end)
