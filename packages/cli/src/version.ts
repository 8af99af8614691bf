/** The release of this command line. */
export const cliVersion = "0.1.0";
