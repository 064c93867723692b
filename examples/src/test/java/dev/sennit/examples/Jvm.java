package dev.sennit.examples;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** How tests start programs. */
final class Jvm {
    private Jvm() {}

    /** As readers start them, but for what makes short ones quicker. */
    static ProcessBuilder of(String classPath, String main, String... arguments) {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1", // for programs of a second it is the quicker way
                "-XX:+UseSerialGC",
                "-Dsennit.cache=" + System.getProperty("sennit.cache"), // the build's
                "-Dsennit.servers.optional=" + Boolean.getBoolean("sennit.servers.optional"),
                "--enable-native-access=ALL-UNNAMED",
                "--add-opens=java.base/java.lang=ALL-UNNAMED",
                "--add-opens=java.base/java.util.concurrent.locks=ALL-UNNAMED",
                "--class-path",
                classPath,
                main));
        command.addAll(List.of(arguments));
        return new ProcessBuilder(command);
    }
}
