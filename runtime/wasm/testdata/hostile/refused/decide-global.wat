;; A decide that is no function.
;; refused: export decide: want func () -> i64, got global i64
(module
  (memory (export "memory") 1)
  (func (export "tenterhook_abi_v1"))
  (global (export "decide") i64 (i64.const 0)))
