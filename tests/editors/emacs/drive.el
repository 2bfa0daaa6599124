;;; drive.el --- Does in a real Emacs what a user does  -*- lexical-binding: t -*-

;; Writes what was seen as JSON lines {scenario, seen} or {scenario, error} to $INFILL_SEEN.
;; It needs an Emacs with a terminal: Eglot sends changes when Emacs is idle, and one in batch
;; mode never is.

;; compiling would take the time of both cores
(setq native-comp-deferred-compilation nil
      native-comp-jit-compilation nil)
(require 'package)
(setq user-emacs-directory (expand-file-name "emacs.d/") ; nothing of the user's
      package-user-dir (expand-file-name "elpa/" user-emacs-directory))
(package-initialize) ; Eglot is a package before Emacs 29
(require 'cl-lib)
(require 'json)
(load (getenv "INFILL_CLIENT") nil t)
(infill-setup)
(setq infill-command (append (json-parse-string (getenv "INFILL_COMMAND") :array-type 'list) nil)
      infill-settings '(:accept "auto" :alternatives 1 :maxTokens 8)
      jsonrpc-default-request-timeout 60
      make-backup-files nil
      create-lockfiles nil)

(defvar asked nil "The questions of Emacs, the newest first.")
(defvar offered nil "The titles of the last menu.")
(defvar wanted nil "What to take from the next menu.")
(fset 'y-or-n-p (lambda (question) (push question asked) t))
(fset 'yes-or-no-p (symbol-function 'y-or-n-p))
(setq completing-read-function
      (lambda (_prompt menu &rest _)
        (setq offered (mapcar #'car menu))
        (or (cl-find-if (lambda (title) (string-prefix-p wanted title)) offered)
            (error "No %S among %S" wanted offered))))

(defun until (what seconds found)
  "Wait until FOUND returns non-nil, and return that; an error that names WHAT after SECONDS."
  (let ((last (+ (float-time) seconds)) value)
    (while (not (setq value (funcall found)))
      (when (> (float-time) last)
        (error "Waited for %s; messages: %s" what
               (with-current-buffer (messages-buffer)
                 (buffer-substring (max (point-min) (- (point-max) 600)) (point-max)))))
      (sit-for 0.02))
    value))

(defun rest (seconds)
  "Be a user who does nothing for SECONDS, whatever happens."
  (let ((last (+ (float-time) seconds)))
    (while (< (float-time) last) (sit-for 0.02))))

(defun text ()
  "The buffer's."
  (buffer-substring-no-properties (point-min) (point-max)))

(defun edit (name content)
  "Open the file NAME with CONTENT, connected."
  (let ((file (expand-file-name name (getenv "INFILL_WORKSPACE"))) (coding-system-for-write 'utf-8))
    (write-region content nil file nil 'quiet)
    (switch-to-buffer (find-file-noselect file))
    (unless (eglot-managed-p) (call-interactively #'eglot))
    (until "Eglot" 30 #'eglot-managed-p)))

(defun status ()
  "What the server says that it does."
  (jsonrpc-request (eglot-current-server) :workspace/executeCommand
                   (list :command "infill.status" :arguments (vector eglot--{}))))

(defun act (title begin &optional end)
  "Choose the action that begins with TITLE from the menu at BEGIN to END, as a user does."
  (setq offered nil wanted title)
  (let ((last-nonmenu-event ?a))
    (eglot-code-actions begin (or end begin) nil t)))

(defun find (string)
  "Where STRING begins."
  (save-excursion (goto-char (point-min)) (search-forward string) (match-beginning 0)))

(defun working ()
  "Wait until something is being sampled here."
  (until "a sample" 20 (lambda () (equal (plist-get (status) :state) "working"))))

(defun idle ()
  "Wait until nothing is being sampled."
  (until "the end" 60 (lambda () (equal (plist-get (status) :state) "idle"))))

(defun written ()
  "The text once it is filled.  Eglot refuses an edit of a text that has changed since: if that
happened, what was refused is still among the actions."
  (idle)
  (rest 2.5)
  (when (string-match-p "<FILL_ME>" (text))
    (act "Accept" (find "<FILL_ME>"))
    (rest 0.8))
  (text))

(defvar long
  (mapconcat (lambda (name)
               (format "def %s(values):\n    total = <FILL_ME>\n    return <FILL_ME>\n" name))
             '("a" "b" "c" "d") "\n\n"))

(defvar scenarios
  (list
   (cons "connect"
         (lambda ()
           (edit "connect.py" "x = 1\n")
           (idle)
           (list :emacs emacs-version
                 :encoding (plist-get (eglot--capabilities (eglot-current-server))
                                      :positionEncoding)
                 :status (status))))
   (cons "fill"
         (lambda ()
           (edit "fill.py" "def mean(values):\n    total = sum(values)\n    return <FILL_ME>\n")
           (let ((started (float-time)))
             (act "Fill this hole" (find "<FILL_ME>"))
             (let ((seconds (- (float-time) started)))
               (rest 0.8)
               (list :offered (vconcat offered) :seconds seconds :text (text)
                     :asked (length asked))))))
   (cons "astral"
         (lambda ()
           (edit "astral.py" "s = \"\U0001d4b3\"; t = <FILL_ME>\nu = \"\U0001d4b3\" + <FILL_ME>\n")
           (let ((started (float-time)))
             (act "Fill all 2" (find "<FILL_ME>"))
             (let ((seconds (- (float-time) started)))
               (rest 0.8)
               (list :seconds seconds :text (text))))))
   (cons "above"
         (lambda ()
           (edit "above.py" long)
           (infill-fill-all)
           (working)
           (goto-char (point-min))
           (insert "import math\n\n\n")
           (rest 0.8)
           (let ((typed (text)) (state (plist-get (status) :state)))
             (list :typed typed :state state :text (written)))))
   (cons "inside"
         (lambda ()
           (edit "inside.py" "def mean(values):\n    return <FILL_ME>\n")
           (infill-fill-all)
           (working)
           (goto-char (+ (find "<FILL_ME>") 2))
           (insert "x")
           (rest 0.8)
           (idle)
           (rest 0.8)
           (list :text (text))))
   (cons "late"
         ;; something is typed when the edit is on its way
         (lambda ()
           (edit "late.py" "def mean(values):\n    return <FILL_ME>\n")
           (let* ((typed nil)
                  (here (current-buffer))
                  (type (lambda (_connection message)
                          (when (and (not typed)
                                     (equal (plist-get message :method) "workspace/applyEdit"))
                            (setq typed t)
                            (with-current-buffer here
                              (goto-char (point-min))
                              (insert "\U0001d4b3 = 1\n"))))))
             (advice-add 'jsonrpc-connection-receive :before type)
             (unwind-protect
                 (progn
                   (infill-fill-all)
                   (until "the edit" 60 (lambda () typed)))
               (advice-remove 'jsonrpc-connection-receive type))
             (list :text (written)))))
   (cons "rewrite"
         (lambda ()
           (edit "rewrite.py" "def double(values):\n    result = []\n    return result\n")
           (act "Rewrite the selection" (find "[]") (+ (find "[]") 2))
           (rest 0.8)
           (list :offered (vconcat offered) :text (text))))
   (cons "revise"
         (lambda ()
           (edit "revise.py" "def double(values):\n    return [2 * n for n in values]\n")
           (goto-char (find "values"))
           (delete-char 6)
           (insert "numbers")
           (rest 0.8)
           (act "Let the function follow" (point))
           (rest 0.8)
           (list :offered (vconcat offered) :text (text))))
   (cons "cancel"
         (lambda ()
           (edit "cancel.py" long)
           (infill-fill-all)
           (working)
           (let ((started (float-time)))
             (infill-cancel)
             (idle)
             (let ((seconds (- (float-time) started)))
               (rest 0.8)
               (list :seconds seconds :text (text))))))))

(defun play ()
  "Play all scenarios."
  (let ((coding-system-for-write 'utf-8))
    (pcase-dolist (`(,name . ,scenario) scenarios)
      (let ((line (condition-case failure
                      (list :scenario name :seen (funcall scenario))
                    (error (list :scenario name :error (error-message-string failure))))))
        (write-region (concat (json-encode line) "\n") nil (getenv "INFILL_SEEN") t 'quiet)))
    (set-buffer-modified-p nil)
    (mapc (lambda (buffer) (with-current-buffer buffer (set-buffer-modified-p nil))) (buffer-list))
    (ignore-errors (eglot-shutdown (eglot-current-server)))
    (kill-emacs 0)))

(add-hook 'emacs-startup-hook #'play)
