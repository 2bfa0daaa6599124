-- A command that is not there: the client says so, and keys and text are as without it.

local D = ...

D.infill.setup({ cmd = { "no-such-command" }, keymaps = { fill = "gF" } })

return {
  {
    "alone",
    function()
      vim.cmd.edit("alone.py")
      vim.api.nvim_buf_set_lines(0, 0, -1, false, { "x = <FILL_ME>" })
      vim.cmd.InfillFill()
      D.type("Go<Tab>y<Esc>")
      local text = D.text()
      vim.cmd("checkhealth infill")
      return { said = D.said, text = text, status = D.infill.status(), health = D.text() }
    end,
  },
}
