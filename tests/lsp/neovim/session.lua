-- One editor, one server, one model: what a user does with them, in order.

local D = ...
local infill = D.infill

infill.setup({
  cmd = vim.json.decode(vim.env.INFILL_COMMAND),
  settings = { alternatives = 1, maxTokens = 6, inline = { debounce = 30, maxTokens = 6 } },
})

local S = {}

local function scenario(name, play)
  table.insert(S, { name, play })
end

--- A file with these holes filled and proposed.
local function proposed(name, text)
  D.open(name, text)
  vim.cmd.InfillFillAll()
  return D.state("ready")
end

local function bytes_of(name)
  local file = assert(io.open(name, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

scenario("attach", function()
  D.open("attach.json", '{"a": 1}\n')
  local of_json = D.client().id
  D.open("attach.py", "x = 1\n")
  local client = D.client()
  local can = client.server_capabilities
  local idle = D.wait(function()
    local status = infill.status()
    return status == "infill" and status
  end, "idle server", 60000)
  return {
    one_server = of_json == client.id,
    encoding = client.offset_encoding,
    commands = can.executeCommandProvider.commands,
    inline = can.inlineCompletionProvider ~= nil,
    key = vim.fn.maparg("<leader>if", "n", false, true).desc,
    key_is_local = vim.fn.maparg("<leader>if", "n", false, true).buffer,
    idle = idle,
  }
end)

scenario("fill_all", function()
  D.open("fill.py", "def f(values):\n    n = <FILL_ME>\n    return '𝒳' + str(<FILL_ME>)\n")
  local source = D.text()
  vim.cmd.InfillFillAll()
  local live = D.wait(function()
    local shown = #D.steps > 0 and D.shown("infill.live")
    return shown and #shown > 0 and shown
  end, "live text")
  local working = infill.status()
  local proposal = D.state("ready")
  local ready, untouched = D.shown("infill.live"), D.text()
  vim.cmd.InfillAccept()
  D.state("accepted")
  local accepted = D.text()
  vim.cmd.undo()
  return {
    source = source,
    live = live,
    working = working,
    steps = D.steps,
    proposal = proposal,
    ready = ready,
    untouched = untouched,
    accepted = accepted,
    left = D.shown("infill.live"),
    undone = D.text(),
  }
end)

scenario("line_ends", function()
  local source = "def f(x):\r\n    return <FILL_ME>\r\n\r\nprint('𝒳', <FILL_ME>)\r\n"
  local proposal = proposed("crlf.py", source)
  vim.cmd.InfillAccept()
  D.state("accepted")
  vim.cmd.write()
  return {
    source = source,
    proposal = proposal,
    written = bytes_of("crlf.py"),
    format = vim.bo.fileformat,
    ends = vim.bo.endofline,
  }
end)

scenario("alternatives", function()
  local first = proposed("next.py", "def area(width, height):\n    return <FILL_ME>\n")
  local shown = { D.shown("infill.live") }
  local function turned(command)
    D.states = {}
    vim.cmd(command)
    local proposal = D.state("ready")
    table.insert(shown, D.shown("infill.live"))
    return proposal
  end
  local second = turned("InfillNext")
  local back = turned("InfillPrev")
  vim.cmd.InfillReject()
  D.state("rejected")
  return {
    proposals = { first, second, back },
    shown = shown,
    left = D.shown("infill.live"),
    text = D.text(),
  }
end)

scenario("accept_hole", function()
  local proposal = proposed("hole.py", "a = [1, <FILL_ME>]\n\nb = [<FILL_ME>, 2]\n")
  vim.api.nvim_win_set_cursor(0, { 3, 8 })
  D.states = {}
  vim.cmd.InfillAcceptHole()
  local half = D.state("ready")
  local text, shown = D.text(), D.shown("infill.live")
  vim.cmd.InfillAccept()
  D.state("accepted")
  return { proposal = proposal, half = half, text = text, shown = shown, all = D.text() }
end)

scenario("code_action", function()
  D.open("action.py", "x = 1\ny = [x, <FILL_ME>]\n")
  local source = D.text()
  vim.api.nvim_win_set_cursor(0, { 2, 9 })
  local params = vim.lsp.util.make_range_params(0, D.client().offset_encoding)
  params.context = { diagnostics = {} }
  local titles
  D.client():request("textDocument/codeAction", params, function(_, result)
    titles = vim.tbl_map(function(action)
      return action.title
    end, result)
  end, vim.api.nvim_get_current_buf())
  D.wait(function()
    return titles
  end, "code actions")
  vim.lsp.buf.code_action({
    apply = true,
    filter = function(action)
      return action.title == "Fill this hole"
    end,
  })
  local proposal = D.state("ready")
  local untouched = D.text()
  vim.cmd.InfillAccept()
  D.state("accepted")
  return {
    source = source,
    titles = titles,
    proposal = proposal,
    untouched = untouched,
    accepted = D.text(),
  }
end)

scenario("edit_inside", function()
  local first = proposed("inside.py", "x = <FILL_ME>\ny = <FILL_ME>\n")
  vim.api.nvim_buf_set_text(0, 0, 6, 0, 8, { "__" }) -- in the first marker
  local left = D.wait(function()
    for _, proposal in ipairs(D.states) do
      if #proposal.holes == 1 then
        return proposal
      end
    end
  end, "proposal with a hole less")
  local shown = D.shown("infill.live")
  vim.api.nvim_buf_set_text(0, 1, 6, 1, 8, { "__" })
  local invalid = D.state("invalid")
  local said = vim.deepcopy(D.said)
  vim.cmd.InfillAccept()
  D.wait(function()
    return #D.said > #said
  end, "refusal")
  return {
    first = first,
    left = left,
    shown = shown,
    invalid = invalid,
    none = D.shown("infill.live"),
    said = said,
    text = D.text(),
  }
end)

scenario("edit_above", function()
  local function insert_above(line)
    vim.api.nvim_buf_set_lines(0, 0, 0, false, { line })
  end
  D.open("above.py", "def f(x):\n    return <FILL_ME>\n")
  vim.cmd.InfillFillAll()
  D.wait(function()
    return #D.steps > 0
  end, "step")
  local late = D.steps[#D.steps]
  insert_above("# 𝒳, while it is sampled")
  D.client().handlers["infill/step"](nil, late) -- sent before the server knew of the edit
  local at_late = D.shown("infill.live")
  local proposal = D.state("ready")
  insert_above("# 𝒳, while it is proposed")
  local at_once = D.shown("infill.live") -- before the server knows
  vim.cmd.InfillAccept()
  D.state("accepted")
  return { at_late = at_late, proposal = proposal, at_once = at_once, text = D.text() }
end)

scenario("cancel", function()
  D.open("cancel.py", ("def f(x):\n    return <FILL_ME>\n\n\n"):rep(6))
  local source = D.text()
  vim.cmd.InfillFillAll()
  D.wait(function()
    return #D.steps > 0
  end, "step")
  local started = vim.uv.now()
  vim.cmd.InfillCancel()
  D.state("cancelled")
  local took = vim.uv.now() - started
  D.wait(function()
    return #D.said > 0
  end, "word about it")
  local steps = #D.steps
  D.sleep(300)
  vim.cmd.InfillCancel()
  D.wait(function()
    return #D.said > 1
  end, "word about nothing")
  return {
    took = took,
    said = D.said,
    later_steps = #D.steps - steps,
    left = D.shown("infill.live"),
    unchanged = D.text() == source,
  }
end)

scenario("rewrite", function()
  D.open("rewrite.py", "name = '𝒳é'; total = alpha + beta\n")
  vim.api.nvim_win_set_cursor(0, { 1, 0 })
  vim.cmd("normal! ftv$h\27")
  vim.cmd("'<,'>InfillRewrite alpha")
  local proposal = D.state("ready")
  vim.cmd.InfillReject()
  D.state("rejected")
  D.states = {}
  vim.cmd("normal! 0f'v;\27")
  vim.cmd("'<,'>InfillRewrite")
  local astral = D.state("working")
  vim.cmd.InfillCancel()
  D.state("cancelled")
  vim.cmd.InfillRewrite()
  local line = D.state("working")
  vim.cmd.InfillCancel()
  D.state("cancelled")
  return { proposal = proposal, astral = astral, line = line, text = D.text() }
end)

scenario("revise", function()
  D.open("revise.py", "def f(count):\n    a = count + 1\n    return a + count\n")
  local before = D.text()
  vim.api.nvim_buf_set_text(0, 0, 6, 0, 11, { "total" })
  local edited = D.text()
  vim.cmd.InfillRevise("function")
  local proposal = D.wait(function()
    for _, one in ipairs(D.states) do
      if one.state ~= "working" then
        return one
      end
    end
  end, "revision")
  local accepted
  if proposal.state == "ready" then
    vim.cmd.InfillAccept()
    D.state("accepted")
    accepted = D.text()
  else
    D.wait(function()
      return #D.said > 0
    end, "word about it")
  end
  return {
    before = before,
    edited = edited,
    proposal = proposal,
    accepted = accepted,
    said = D.said,
  }
end)

assert(loadfile(vim.fs.dirname(vim.env.INFILL_SCENARIOS) .. "/ghost.lua"))(D, scenario)

scenario("keys_do_what_they_did", function()
  D.open("keys.py", "\n")
  vim.bo.expandtab = false
  D.put_cursor(1, 0, "i<Tab>x<Esc>")
  return { text = D.text() }
end)

scenario("trace", function()
  proposed("trace.py", "def f(x):\n    return <FILL_ME>\n")
  local window = vim.api.nvim_get_current_win()
  vim.cmd.InfillTrace()
  D.wait(function()
    return vim.api.nvim_get_current_win() ~= window
  end, "window")
  local lines = vim.api.nvim_buf_get_lines(0, 0, -1, false)
  vim.cmd.close()
  return { lines = lines }
end)

scenario("status", function()
  vim.cmd.InfillStatus()
  D.wait(function()
    return #D.said > 0
  end, "status")
  local said = D.said
  vim.cmd("checkhealth infill")
  local health = D.text()
  vim.cmd.bwipe()
  return { said = said, health = health }
end)

scenario("reload", function()
  proposed("reload.py", "x = <FILL_ME>\n")
  local before = #D.shown("infill.live")
  vim.cmd("edit!")
  local left = D.shown("infill.live")
  vim.cmd.InfillFillAll()
  local again = D.state("ready")
  return { before = before, left = left, again = again.holes[1].old }
end)

scenario("end", function()
  proposed("end.py", "x = <FILL_ME>\n")
  local before = #D.shown("infill.live")
  D.client():stop(true)
  D.wait(function()
    return infill.status() == ""
  end, "end of the server")
  return { before = before, left = D.shown("infill.live") }
end)

return S
