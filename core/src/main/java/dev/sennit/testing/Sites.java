package dev.sennit.testing;

import java.util.ArrayList;
import java.util.List;

/** The places in code that have memory points, by their numbers: where they are, and what is done there. */
final class Sites {
    /** The sites from number 1 on. They grow with the classes that are changed. Guarded by itself. */
    private static final List<Site> ALL = new ArrayList<>();

    private Sites() {}

    /**
     * A place in code. The strings of one class are the same objects, so that a site takes little memory.
     *
     * @param type the name of its class
     * @param method the name of its method
     * @param file the name of its source file
     * @param line its line; 0 if that is unknown
     * @param verb what is done there, such as {@code writes}
     * @param name to what it is done, such as the name of a field
     */
    record Site(String type, String method, String file, int line, String verb, String name) {
        String does() {
            return name.isEmpty() ? verb : verb + ' ' + name;
        }
    }

    /** Adds a site, and returns its number. */
    static int add(Site site) {
        synchronized (ALL) {
            ALL.add(site);
            return ALL.size();
        }
    }

    static Site of(int number) {
        synchronized (ALL) {
            return ALL.get(number - 1);
        }
    }
}
