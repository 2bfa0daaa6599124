;;; infill.el --- Fill holes in code with infill, through Eglot  -*- lexical-binding: t -*-

;; Package-Requires: ((emacs "28.1") (eglot "1.9"))

;;; Commentary:

;; Eglot offers what infill can do as code actions (M-x eglot-code-actions), and waits for them.
;; The commands below do not wait: one may type on, and the fill goes to where its hole then is.
;; An edit inside a hole wins over its fill.

;;; Code:

(require 'eglot)

(defvar infill-command '("infill" "lsp")
  "The language server and its arguments.")

(defvar infill-settings '(:accept "auto")
  "The server's settings, as a plist: see docs/lsp.md.")

(defvar infill-time-limit 60
  "Seconds to wait for an answer; how long a fill takes is a setting.")

(defun infill--contact (&optional _interactive &rest _)
  "What Eglot starts."
  (append infill-command (list :initializationOptions infill-settings)))

;;;###autoload
(defun infill-setup ()
  "Make infill the language server of Python and JSON."
  (dolist (mode '(python-mode python-ts-mode js-json-mode json-mode json-ts-mode))
    (add-to-list 'eglot-server-programs (cons mode #'infill--contact))))

(defun infill--send-changes (server)
  "Tell SERVER at once what was changed in its buffers."
  (dolist (buffer (eglot--managed-buffers server))
    (with-current-buffer buffer (eglot--signal-textDocument/didChange))))

;; Eglot sends changes half a second late.  In that time Eglot 1.17 would make an edit of an older
;; text in the wrong place: the version that it compares is of what it sent.
(cl-defmethod eglot-handle-request :before (server (_method (eql workspace/applyEdit)) &rest _)
  "Send SERVER what was typed, so that an edit that does not know of it is refused."
  (infill--send-changes server))

(cl-defmethod eglot-handle-request :after (server (_method (eql workspace/applyEdit)) &rest _)
  "Show SERVER that its edit was made: it waits for that."
  (infill--send-changes server))

(defun infill--run (command &rest argument)
  "Have the server run COMMAND with ARGUMENT, a plist; go on meanwhile."
  (jsonrpc-async-request
   (or (eglot-current-server) (user-error "No language server here: M-x eglot"))
   :workspace/executeCommand
   (list :command command
         :arguments (vector (append (eglot--TextDocumentIdentifier) argument)))
   :deferred (intern command) ; until the server has seen the text as it is
   :timeout infill-time-limit
   :success-fn (lambda (answer) (infill--tell (plist-get answer :message)))
   :error-fn (lambda (failure) (infill--tell (plist-get failure :message)))
   :timeout-fn (lambda () (infill--tell "no answer"))))

(defun infill--tell (text)
  "Show TEXT, if there is any."
  (when (and (stringp text) (not (equal text "")))
    (message "infill: %s" text)))

(defun infill--range (begin end)
  "The text from BEGIN to END as a range."
  (list :start (eglot--pos-to-lsp-position begin) :end (eglot--pos-to-lsp-position end)))

(defun infill-fill ()
  "Fill the hole at point."
  (interactive)
  (infill--run "infill.fill" :position (eglot--pos-to-lsp-position)))

(defun infill-fill-all ()
  "Fill all holes of the buffer, jointly."
  (interactive)
  (infill--run "infill.fillAll"))

(defun infill-rewrite (begin end)
  "Rewrite the region from BEGIN to END."
  (interactive "r")
  (infill--run "infill.rewrite" :range (infill--range begin end)))

(defun infill-revise ()
  "Let the function at point follow the last edit."
  (interactive)
  (infill--run "infill.revise" :position (eglot--pos-to-lsp-position) :scope "function"))

(defun infill-accept ()
  "Write what is proposed for the buffer."
  (interactive)
  (infill--run "infill.accept"))

(defun infill-next ()
  "Show another proposal."
  (interactive)
  (infill--run "infill.next"))

(defun infill-reject ()
  "Drop what is proposed for the buffer."
  (interactive)
  (infill--run "infill.reject"))

(defun infill-cancel ()
  "Stop what is being sampled for the buffer."
  (interactive)
  (infill--run "infill.cancel"))

(provide 'infill)
;;; infill.el ends here
