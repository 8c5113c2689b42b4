;; A module for somebody else's host.
;; refused: Extism
(module
  (import "extism:host/env" "input_length" (func (result i64)))
  (memory (export "memory") 1)
  (func (export "run") (result i32) (i32.const 0)))
