package dev.sennit.cli;

/** What {@code --version} prints. */
final class Version {
    private Version() {}

    /** The version in the jar's manifest, and the Java that runs it. */
    static String text() {
        String version = Version.class.getPackage().getImplementationVersion();
        return "sennit " + (version == null ? "(not packaged)" : version) + " on Java "
                + System.getProperty("java.version");
    }
}
