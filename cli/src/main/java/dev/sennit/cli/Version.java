package dev.sennit.cli;

/** The output of {@code --version}. */
final class Version {
    private Version() {}

    /** Returns the version in the jar's manifest, and that of the running Java. */
    static String text() {
        String version = Version.class.getPackage().getImplementationVersion();
        return "sennit " + (version == null ? "(not packaged)" : version) + " on Java "
                + System.getProperty("java.version");
    }
}
