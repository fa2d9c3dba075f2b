install pgq_ext using plpgsql;
install pgq_ext using plpgsql;
install nosuch;
install pgq now;
