;; A decide of another type.
;; refused: export decide: want func () -> i64, got func () -> i32
(module
  (memory (export "memory") 1)
  (func (export "tenterhook_abi_v1"))
  (func (export "decide") (result i32) (i32.const 0)))
