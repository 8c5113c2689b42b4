;; An evaluate, and nowhere to put the event.
;; refused: export alloc: it is missing
(module
  (memory (export "memory") 1)
  (func (export "tenterhook_abi_v1"))
  (func (export "evaluate") (param i32 i32) (result i64) (i64.const 0)))
