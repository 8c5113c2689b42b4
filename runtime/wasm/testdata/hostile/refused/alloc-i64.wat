;; An alloc of another type.
;; refused: export alloc: want func (i32) -> i32
(module
  (memory (export "memory") 1)
  (func (export "tenterhook_abi_v1"))
  (func (export "alloc") (param i64) (result i64) (i64.const 0))
  (func (export "evaluate") (param i32 i32) (result i64) (i64.const 0)))
