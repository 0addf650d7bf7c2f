export declare const encode: (value: unknown) => string
export declare const decode: (line: string) => unknown
