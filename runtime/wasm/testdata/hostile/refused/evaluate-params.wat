;; An evaluate of another type.
;; refused: export evaluate: want func (i32, i32) -> i64
(module
  (memory (export "memory") 1)
  (func (export "tenterhook_abi_v1"))
  (func (export "alloc") (param i32) (result i32) (i32.const 0))
  (func (export "evaluate") (param i64) (result i64) (i64.const 0)))
