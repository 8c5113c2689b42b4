;; An _initialize that wants something.
;; refused: export _initialize: want func () -> ()
(module
  (memory (export "memory") 1)
  (func (export "tenterhook_abi_v1"))
  (func (export "decide") (result i64) (i64.const 0))
  (func (export "_initialize") (param i32)))
