;; Code that only looks like code: an i64 where an i32 is wanted.
;; refused:
(module
  (memory (export "memory") 1)
  (func (export "tenterhook_abi_v1"))
  (func (export "decide") (result i64)
    (i64.extend_i32_u (i64.const 1))))
