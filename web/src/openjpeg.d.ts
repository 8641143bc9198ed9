// What this page uses of @cornerstonejs/codec-openjpeg, which brings no types.
declare module "@cornerstonejs/codec-openjpeg/decodewasmjs" {
  interface J2KDecoder {
    getEncodedBuffer(length: number): Uint8Array;
    decode(): void;
    getFrameInfo(): { width: number; height: number; bitsPerSample: number; componentCount: number; isSigned: boolean };
    getDecodedBuffer(): Uint8Array;
    delete(): void;
  }
  export default function (options: { locateFile: () => string; print: () => void }): Promise<{ J2KDecoder: new () => J2KDecoder }>;
}
