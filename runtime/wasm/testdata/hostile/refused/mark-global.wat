;; A mark that is no function.
;; refused: export tenterhook_abi_v1: want func () -> (), got global i32
(module
  (memory (export "memory") 1)
  (func (export "decide") (result i64) (i64.const 0))
  (global (export "tenterhook_abi_v1") i32 (i32.const 1)))
