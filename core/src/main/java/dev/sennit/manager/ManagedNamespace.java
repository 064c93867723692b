package dev.sennit.manager;

import java.util.Map;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;

/**
 * Names with values in a manager, such as settings that several processes read: a {@code Namespace} of Python.
 *
 * {@snippet :
 * try (ManagerServer manager = ManagerServer.local();
 *         Pool pool = Pools.open("processes:1")) {
 *     ManagedNamespace settings = manager.client().newNamespace();
 *     settings.set("limit", 10);
 *     System.out.println(pool.submit(() -> 2 * settings.get("limit", Integer.class)).get()); // 20
 * }
 * }
 *
 * <p>A value may be null, which differs from a name without a value; a {@link ManagerClient#newMap map} does not offer
 * that. A returned value is a copy. Each method is one call, and atomic; to change a value depending on the old one,
 * use a {@link ManagedValue}.
 */
public interface ManagedNamespace {
    /**
     * Returns the value of a name.
     *
     * @param name the name
     * @return a copy of the value
     * @throws NoSuchElementException if the name has none
     */
    @Nullable Object get(String name);

    /**
     * Returns the value of a name, which has to be of a type, or null.
     *
     * @param name the name
     * @param type the type of the value; for a number or the like the class of the object: {@code Integer.class}
     * @param <T> the type
     * @return a copy of the value
     * @throws NoSuchElementException if the name has none
     * @throws ClassCastException if the value is of another type; the message names that type
     */
    default <T> @Nullable T get(String name, Class<T> type) {
        Object value = get(name);
        if (value != null && !type.isInstance(value)) {
            throw new ClassCastException(
                    "\"" + name + "\" is a " + value.getClass().getName() + ", not a " + type.getName());
        }
        return type.cast(value);
    }

    /**
     * Sets the value of a name.
     *
     * @param name the name
     * @param value the value, which is copied
     */
    void set(String name, @Nullable Object value);

    /**
     * Removes a name and its value.
     *
     * @param name the name
     * @return whether the name had a value
     */
    boolean delete(String name);

    /**
     * Returns whether a name has a value, which may be null.
     *
     * @param name the name
     * @return true if it has
     */
    boolean has(String name);

    /**
     * Returns all names and their values, at one moment.
     *
     * @return a copy, sorted by name
     */
    Map<String, @Nullable Object> toMap();
}
