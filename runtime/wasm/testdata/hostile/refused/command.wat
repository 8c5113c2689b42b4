;; A program instead of a reactor.
;; refused: _start
(module
  (memory (export "memory") 1)
  (func (export "_start")))
