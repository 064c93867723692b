package dev.sennit.process;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.Set;
import java.util.TimeZone;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * The settings that a program has changed in this JVM since its start, as options of another: the default time zone,
 * the default locales and, where that is asked for, system properties. Locales that a worker finds by itself, from the
 * same command line and environment, are left out.
 */
final class RunTimeSettings {
    private static final String ZONE = "user.timezone";

    /** What each JVM sets for itself. */
    private static final Set<String> OF_EACH_JVM = Set.of(
            "file.encoding",
            "file.separator",
            "java.class.path",
            "java.class.version",
            "java.home",
            "java.io.tmpdir",
            "java.library.path",
            "line.separator",
            "native.encoding",
            "path.separator",
            "stderr.encoding",
            "stdin.encoding",
            "stdout.encoding",
            "user.dir",
            "user.home",
            "user.name");
    /** The same: all that begin so. The time zone and the locale go their own way. */
    private static final List<String> FAMILIES_OF_EACH_JVM = List.of(
            "com.sun.management.jmxremote",
            "java.runtime.",
            "java.specification.",
            "java.vendor",
            "java.version",
            "java.vm.",
            "jdk.debug",
            "jdk.internal.",
            "jdk.module.",
            "os.",
            "sennit.family",
            "sennit.options",
            "sun.",
            "user.country",
            "user.extensions",
            "user.language",
            "user.script",
            "user.timezone",
            "user.variant");

    private RunTimeSettings() {}

    /**
     * The default time zone, unless the worker is given a variable that decides it. Also one that nobody has set: the
     * property is the same then as where the program has set that, before somebody asked for the default.
     */
    static List<String> zone(Map<String, String> environment) {
        TimeZone zone = TimeZone.getDefault();
        boolean hasName = TimeZone.getTimeZone(zone.getID()).hasSameRules(zone);
        return environment.containsKey("TZ") || !hasName ? List.of() : List.of("-D" + ZONE + "=" + zone.getID());
    }

    /** The default locales, if one of them was set; and unless the worker is given a variable that decides them. */
    static List<String> locales(Map<String, String> environment) {
        boolean isSet = environment.keySet().stream().noneMatch(name -> name.equals("LANG") || name.startsWith("LC_"))
                && !(isFound(Locale.getDefault(), "")
                        && isFound(Locale.getDefault(Locale.Category.DISPLAY), ".display")
                        && isFound(Locale.getDefault(Locale.Category.FORMAT), ".format"));
        List<String> options = new ArrayList<>();
        if (isSet) {
            add(options, Locale.getDefault(), "");
            add(options, Locale.getDefault(Locale.Category.DISPLAY), ".display");
            add(options, Locale.getDefault(Locale.Category.FORMAT), ".format");
        }
        return options;
    }

    /** Whether a locale is what this JVM began with. */
    private static boolean isFound(Locale locale, String category) {
        return locale.getLanguage().equals(property("user.language", category))
                && locale.getScript().equals(property("user.script", category))
                && locale.getCountry().equals(property("user.country", category))
                && locale.getVariant().equals(property("user.variant", category))
                && extensions(locale).equals(property("user.extensions", category));
    }

    /** Such as {@code u-ca-buddhist}, which names a calendar. */
    private static String extensions(Locale locale) {
        return locale.getExtensionKeys().stream()
                .map(key -> key + "-" + locale.getExtension(key))
                .collect(Collectors.joining("-"));
    }

    private static String property(String name, String category) {
        return System.getProperty(name + category, System.getProperty(name, ""));
    }

    private static void add(List<String> options, Locale locale, String category) {
        options.add("-Duser.language" + category + "=" + locale.getLanguage());
        options.add("-Duser.script" + category + "=" + locale.getScript());
        options.add("-Duser.country" + category + "=" + locale.getCountry());
        options.add("-Duser.variant" + category + "=" + locale.getVariant());
        options.add("-Duser.extensions" + category + "=" + extensions(locale));
    }

    /** All properties but those that each JVM sets for itself. */
    static List<String> properties() {
        List<String> options = new ArrayList<>();
        Properties all = System.getProperties();
        for (String name : new TreeSet<>(all.stringPropertyNames())) { // without those that hold other objects
            boolean isTheJvms =
                    OF_EACH_JVM.contains(name) || FAMILIES_OF_EACH_JVM.stream().anyMatch(name::startsWith);
            if (!isTheJvms) {
                options.add("-D" + name + "=" + Objects.requireNonNull(all.getProperty(name)));
            }
        }
        return options;
    }
}
