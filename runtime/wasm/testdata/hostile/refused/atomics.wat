;; Instructions of threads.
;; refused: function 1
(module
  (memory (export "memory") 1)
  (func (export "tenterhook_abi_v1"))
  (func (export "decide") (result i64)
    (drop (i32.atomic.load (i32.const 0)))
    (i64.const 0)))
