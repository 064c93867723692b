package shop;

/** There is none left. */
public class SoldOut extends Exception {
    private static final long serialVersionUID = 1;

    public SoldOut(Order order) {
        super("no " + order.item() + " left");
    }
}
