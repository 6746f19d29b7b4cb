/** What is written into a file beside its pixels. EXIF starts at its TIFF header. */
export interface Packets {
  exif?: Buffer;
  xmp?: Buffer;
  icc?: Buffer;
}
