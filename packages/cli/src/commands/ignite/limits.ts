/** The API takes documents of 64 MiB; base64 makes four bytes of three. */
export const maxDocumentBytes = 47 * 1_048_576;
