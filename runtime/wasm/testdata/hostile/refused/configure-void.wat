;; A configure that cannot refuse.
;; refused: export configure: want func (i32, i32) -> i32
(module
  (memory (export "memory") 1)
  (func (export "tenterhook_abi_v1"))
  (func (export "decide") (result i64) (i64.const 0))
  (func (export "alloc") (param i32) (result i32) (i32.const 0))
  (func (export "configure") (param i32 i32)))
