;; An evaluate with two results.
;; refused: export evaluate: want func (i32, i32) -> i64
(module
  (memory (export "memory") 1)
  (func (export "tenterhook_abi_v1"))
  (func (export "alloc") (param i32) (result i32) (i32.const 0))
  (func (export "evaluate") (param i32 i32) (result i32 i32) (i32.const 0) (i32.const 0)))
